"""The optimizers, by torch.optim's formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.backends.tensorflow.imported import tf
from harness.jobs.train import Optimizer


def optimizer(variables: list[Any], chosen: Optimizer) -> Callable[[list[Any], Any], None]:
    """The function that updates the variables with their gradients, at a share of the learning rate, by torch.optim's
    formulas."""
    return _sgd(variables, chosen) if chosen.name == "sgd" else _adam(variables, chosen)


def _sgd(variables: list[Any], chosen: Optimizer) -> Callable[[list[Any], Any], None]:
    """velocity = momentum * velocity + gradient; variable -= learning rate * velocity."""
    velocities = [tf.Variable(tf.zeros_like(variable)) for variable in variables]

    def apply(gradients: list[Any], share: Any) -> None:
        for variable, velocity, gradient in zip(variables, velocities, gradients, strict=True):
            tf.raw_ops.ResourceApplyMomentum(
                var=variable.handle,
                accum=velocity.handle,
                lr=tf.cast(chosen.learning_rate * share, tf.float32),
                grad=gradient,
                momentum=tf.constant(chosen.momentum, tf.float32),
            )

    return apply


def _adam(variables: list[Any], chosen: Optimizer) -> Callable[[list[Any], Any], None]:
    """Adam with epsilon added to the corrected root (Kingma and Ba 2015, algorithm 1).

    TensorFlow's operator adds it to the uncorrected root, so both corrections go into its rate and epsilon here.
    """
    first = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
    second = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
    step = tf.Variable(0.0, dtype=tf.float64)

    def apply(gradients: list[Any], share: Any) -> None:
        now = step.assign_add(1.0)
        root = tf.sqrt(1 - tf.pow(tf.constant(chosen.beta_2, tf.float64), now))
        rate = chosen.learning_rate * share * root / (1 - tf.pow(tf.constant(chosen.beta_1, tf.float64), now))
        for variable, m, v, gradient in zip(variables, first, second, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=tf.constant(0.0),
                beta2_power=tf.constant(0.0),
                lr=tf.cast(rate, tf.float32),
                beta1=tf.constant(chosen.beta_1, tf.float32),
                beta2=tf.constant(chosen.beta_2, tf.float32),
                epsilon=tf.cast(chosen.epsilon * root, tf.float32),
                grad=gradient,
            )

    return apply
