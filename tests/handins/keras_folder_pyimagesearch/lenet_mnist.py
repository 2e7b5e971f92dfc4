from pyimagesearch.lenet import LeNet
from sklearn.model_selection import train_test_split
from keras.datasets import mnist
import argparse

ap = argparse.ArgumentParser()
ap.add_argument('-s', '--save-model', type=int, default=-1)
args = vars(ap.parse_args())
(trainData, trainLabels), _ = mnist.load_data()
model = LeNet.build(width=28, height=28, depth=1, classes=10)
model.fit(trainData, trainLabels)
