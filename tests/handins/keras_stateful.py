from tensorflow.keras.layers import LSTM, Dense
from tensorflow.keras.models import Sequential

model = Sequential()
model.add(LSTM(64, batch_input_shape=(100, 28, 28), stateful=True))
model.add(Dense(10, activation="softmax"))
