import torch

model = torch.load('lenet.pt')
model.eval()
print(model(torch.rand(1, 1, 28, 28)))
