import pytorch_lightning as pl
import torch, torch.nn as nn, torch.nn.functional as F
class MNISTModel(pl.LightningModule):
    def __init__(self, hidden=8):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, hidden, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(hidden * 169, 10))
    def training_step(self, batch, i):
        x, y = batch
        return F.cross_entropy(self.net(x), y)
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())
model = MNISTModel()
pl.Trainer(max_epochs=1).fit(model)
