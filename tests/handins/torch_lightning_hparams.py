from argparse import Namespace
import torch
from torch import nn
from pytorch_lightning import LightningModule, Trainer
class Lit(LightningModule):
    def __init__(self, hidden_size=64, learning_rate=2e-4):
        super().__init__()
        self.save_hyperparameters()
        self.l1 = nn.Linear(784, self.hparams.hidden_size)
        self.l2 = nn.Linear(self.hparams.hidden_size, 10)
    def forward(self, x):
        x = x.view(x.size(0), -1)
        return torch.log_softmax(self.l2(torch.relu(self.l1(x))), 1)
    def training_step(self, batch, nb):
        return nn.functional.nll_loss(self(batch[0]), batch[1])
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.learning_rate)
