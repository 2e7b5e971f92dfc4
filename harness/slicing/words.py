"""The names that distinguish work from definitions. Names are the only evidence: nothing is run to find out."""

from __future__ import annotations

import re

NEVER_CALLED = re.compile(
    r"_*(?:train|load|save|fit|download|evaluate|run|plot|show|visuali[sz]e)(?:_.*|ing.*|er|[A-Z].*|)$|_*(?:main|test|predict)(?:_.*|)$",
)
"""Functions of the student's own that are never called: what they do is work."""

TRAINS = set(
    """fit fit_generator fit_on_batch train_on_batch train_step evaluate evaluate_generator predict predict_generator
    predict_classes predict_proba predict_on_batch test_on_batch backward minimize""".split()
)
"""Methods that begin the work on a finished model."""

READS_DATA = set(
    """load_data read_csv read_data_sets load_mnist fetch_openml fetch_mldata load_digits loadtxt genfromtxt loadmat
    imread read_excel MNIST FashionMNIST KMNIST EMNIST CIFAR10 ImageFolder DataLoader random_split train_test_split
    flow_from_directory urlretrieve ImageDataGenerator TensorDataset""".split()
)

SHOWS = set(
    """imshow subplot subplots figure plot legend xlabel ylabel title savefig plot_model summary show hist colorbar
    heatmap matshow scatter tight_layout suptitle set_title""".split()
)

ASKS = set("input raw_input parse_args parse_known_args".split())

WORK = TRAINS | READS_DATA | SHOWS | ASKS
"""What a file of definitions does not do; one that does any of it when it is imported is sliced."""

HARMLESS = (
    TRAINS
    | SHOWS
    | set(
        """compile save save_weights to_json to_yaml get_config state_dict parameters named_parameters modules children
    named_modules eval train zero_grad step cuda cpu to count_params get_weights reset_states make_predict_function
    load_weights load_state_dict set_weights share_memory print info debug format append_summary watch add_graph
    requires_grad_ float apply_init""".split()
    )
    - {"requires_grad_"}
)
"""Methods that do not change a model's layers. Loading weights does not change layers."""

CHANGES = set(
    """add append extend insert pop remove clear add_module register_module register_buffer register_parameter
    register_forward_hook register_forward_pre_hook apply build half double bfloat16 requires_grad_ setdefault update
    sort reverse add_argument add_argument_group set_defaults add_loss add_weight add_metric appendleft""".split()
)
"""Methods that change what they are called on."""

SETTINGS = set(
    """set_image_data_format set_image_dim_ordering set_floatx set_default_dtype set_default_tensor_type
    set_global_policy set_policy set_dtype_policy set_epsilon exec""".split()
)
"""Calls that affect later layers, or may change anything."""

REWRITES = set("setattr delattr weight_norm spectral_norm register_parametrization remove_parametrizations".split())
REWRITES |= {"remove_weight_norm", "remove_spectral_norm", "orthogonal"}
"""Functions that change the layer they are given."""

RELAYERS = set("add add_module append insert extend pop register_module".split())
"""Methods that give a model other layers."""

CHANCE = re.compile(r"random\.(?:choice|choices|sample|randint|randrange|uniform|random|gauss)$")
"""Python's random functions: they give a different model each time."""

UNTOUCHED = {"optimizer", "stop_training", "history", "grad", "data", "loss", "metrics", "name", "_name", "callbacks"}
"""Attributes that may be set without changing the model."""

FROM_DISK = set(
    """load_model model_from_json model_from_yaml load_checkpoint from_pretrained load_from_checkpoint
    load_learner""".split()
)
"""Calls that return a model that the file does not define."""

WRAPPERS = set("DataParallel DistributedDataParallel multi_gpu_model compile script trace deepcopy clone_model".split())
"""Functions that return the model they are given."""

MOVES = set("to cuda cpu float eval train share_memory requires_grad_ type".split())
"""Methods that return the model they are called on."""

LOSSES = re.compile(r".*(?:Loss|Criterion|Metric)\d?d?$|Softmax$|LogSoftmax$|ReLU$|Tanh$|Sigmoid$|Dropout\w*$|Flatten$")

OPTIMIZERS = re.compile(r"\w*(?:Adam\w*|SGD|RMSprop|Adagrad|Adadelta|LBFGS|Rprop|optimizer|Optimizer)$")

TRANSPARENT = {"scope", "device", "name_scope", "as_default", "Session", "no_grad", "Graph", "custom_object_scope"}
"""Context managers that do not affect the layers created inside."""

MODELS = set("Module Model Sequential Functional LightningModule ScriptModule".split())
"""Classes of the frameworks that a student's model is made from."""

BASES = MODELS | set("Layer ModuleList Conv2d Linear Conv2D Dense Function Loss _Loss Constraint Regularizer".split())
"""The same, and those that layers are made from."""

TEN = set(
    """num_classes n_classes nb_classes classes num_class n_class nclass nclasses nb_class class_num classes_num
    num_labels n_labels output_dim out_dim n_outputs num_outputs n_output output_size out_size num_output output_classes
    number_of_classes no_classes class_count numclasses n_out out_features nclass out_classes""".split()
)
ONE = set(
    """in_channels n_channels num_channels input_channels channels nb_channels in_channel img_channels c_in
    in_chans image_channels input_channel channel n_channel num_channel in_ch inp_channels nchannels img_channel
    input_depth num_input_channels imgchannels numchannels""".split()
)
SIDE = set(
    """img_rows img_cols img_width img_height image_width image_height imgrows imgcols img_size
    image_size img_w img_h image_rows image_cols input_width input_height imgwidth imgheight""".split()
)
TOGETHER = {"width": "28", "height": "28", "depth": "1", "rows": "28", "cols": "28", "w": "28", "h": "28", "c": "1"}
"""Parameters that are an image's only where two of them come together: a width alone may be that of a layer."""
DEVICES = {"device", "dev"}
SHAPES = {"input_shape", "in_shape", "img_shape", "image_shape", "shape_in", "inputshape", "input_size_hwc"}
"""Parameters of a constructor whose value is known for MNIST."""
