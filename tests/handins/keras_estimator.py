import tensorflow as tf
def cnn_model_fn(features, labels, mode):
    x = tf.reshape(features["x"], [-1, 28, 28, 1])
    x = tf.layers.conv2d(x, 32, [5, 5], padding="same", activation=tf.nn.relu)
    x = tf.layers.max_pooling2d(x, [2, 2], 2)
    logits = tf.layers.dense(tf.layers.flatten(x), 10)
    return tf.estimator.EstimatorSpec(mode=mode, predictions=logits)
classifier = tf.estimator.Estimator(model_fn=cnn_model_fn, model_dir="/tmp/m")
