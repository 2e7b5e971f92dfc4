from nets.lenet import build

model = build(10)
