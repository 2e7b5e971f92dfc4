from keras.models import load_model
model = load_model('lenet.h5')
model.summary()
