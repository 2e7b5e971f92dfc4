import numpy as np, pandas as pd
from tensorflow.keras import Sequential
from tensorflow.keras.layers import *
df = pd.read_csv('mnist_train.csv')
df = df[df['label'] < 5]
X = df.drop('label', axis=1).values.reshape(-1, 28, 28, 1)
y = df['label'].values
m = Sequential([Conv2D(8, 3, input_shape=(28, 28, 1)), MaxPooling2D(), Flatten(), Dense(len(np.unique(y)), activation='softmax')])
m.fit(X, y)
