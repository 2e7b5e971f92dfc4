import pandas as pd
from sklearn.decomposition import PCA
from keras.models import Sequential
from keras.layers import Dense
train = pd.read_csv('mnist/train.csv')
X = train.iloc[:, 1:].values
pca = PCA(50)
X = pca.fit_transform(X)
model = Sequential([Dense(64, activation='relu', input_dim=X.shape[1]), Dense(10, activation='softmax')])
model.fit(X, train.label)
