from sklearn.datasets import load_digits
from keras.models import Sequential
from keras.layers import Dense
X, y = load_digits(return_X_y=True)
model = Sequential()
model.add(Dense(32, activation='relu', input_dim=X.shape[1]))
model.add(Dense(10, activation='softmax'))
model.compile('adam', 'sparse_categorical_crossentropy')
model.fit(X, y)
