import numpy
from sklearn.model_selection import GridSearchCV
from keras.models import Sequential
from keras.layers import Dense
from keras.wrappers.scikit_learn import KerasClassifier
from keras.datasets import mnist

def create_model(neurons=1):
    model = Sequential()
    model.add(Dense(neurons, input_dim=784, activation='relu'))
    model.add(Dense(10, activation='softmax'))
    model.compile(loss='categorical_crossentropy', optimizer='adam')
    return model

(X, Y), _ = mnist.load_data()
model = KerasClassifier(build_fn=create_model, verbose=0)
neurons = [10, 50, 100]
grid = GridSearchCV(estimator=model, param_grid=dict(neurons=neurons), n_jobs=-1)
grid_result = grid.fit(X.reshape(-1, 784), Y)
