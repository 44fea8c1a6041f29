//! The lists: classes and functions that Keras itself writes and that only compute. Names are
//! separated by spaces.

use crate::Hazard;

const LAYERS: &str = "\
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D \
    AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D \
    Add AdditiveAttention AlphaDropout Attention Average AveragePooling1D AveragePooling2D \
    AveragePooling3D BatchNormalization Bidirectional CategoryEncoding CenterCrop \
    Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose \
    ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D \
    DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Flatten GRU GRUCell \
    GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D \
    GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D \
    GroupNormalization GroupQueryAttention Identity InputLayer LSTM LSTMCell \
    LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum \
    Minimum MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RNN \
    RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation \
    RandomZoom ReLU RepeatVector Rescaling Reshape Resizing SeparableConv1D SeparableConv2D \
    SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D \
    SpectralNormalization StackedRNNCells Subtract TimeDistributed UnitNormalization \
    UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D";

const INITIALIZERS: &str = "\
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer \
    LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal \
    RandomUniform TruncatedNormal VarianceScaling Zeros";

const LOSSES: &str = "\
    BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy \
    CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy CategoricalHinge Circle \
    CosineSimilarity Dice Hinge Huber KLDivergence LogCosh MeanAbsoluteError \
    MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson \
    SparseCategoricalCrossentropy SquaredHinge Tversky";

const METRICS: &str = "\
    AUC Accuracy BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy \
    CategoricalCrossentropy CategoricalHinge ConcordanceCorrelation CosineSimilarity F1Score \
    FBetaScore FalseNegatives FalsePositives Hinge IoU KLDivergence LogCoshError Mean \
    MeanAbsoluteError MeanAbsolutePercentageError MeanIoU MeanSquaredError \
    MeanSquaredLogarithmicError OneHotIoU OneHotMeanIoU PearsonCorrelation Poisson Precision \
    PrecisionAtRecall R2Score Recall RecallAtPrecision RootMeanSquaredError \
    SensitivityAtSpecificity SparseCategoricalAccuracy SparseCategoricalCrossentropy \
    SparseTopKCategoricalAccuracy SpecificityAtSensitivity SquaredHinge Sum \
    TopKCategoricalAccuracy TrueNegatives TruePositives";

const OPTIMIZERS: &str = "\
    Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon \
    Nadam RMSprop SGD";

const SCHEDULES: &str = "\
    CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay \
    PolynomialDecay";

/// Losses and metrics that Keras writes as functions.
const FUNCTIONS: &str = "\
    binary_accuracy binary_crossentropy binary_focal_crossentropy categorical_accuracy \
    categorical_crossentropy categorical_focal_crossentropy categorical_hinge \
    cosine_similarity dice hinge huber kl_divergence log_cosh mean_absolute_error \
    mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error poisson \
    sparse_categorical_accuracy sparse_categorical_crossentropy \
    sparse_top_k_categorical_accuracy squared_hinge top_k_categorical_accuracy tversky";

const DTYPES: &str = "\
    bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 bfloat16 float16 float32 float64";

/// Whether Keras itself writes this class, and it only computes.
pub(super) fn class(module: &str, class: &str) -> bool {
    let classes = match module {
        "keras" => "Sequential DTypePolicy FloatDTypePolicy",
        "keras.models" | "keras.src.models.sequential" => "Sequential",
        "keras.src.models.functional" => "Functional",
        "keras.dtype_policies" => "DTypePolicy FloatDTypePolicy",
        "keras.layers" => LAYERS,
        "keras.initializers" => INITIALIZERS,
        "keras.regularizers" => "L1 L1L2 L2 OrthogonalRegularizer",
        "keras.constraints" => "MaxNorm MinMaxNorm NonNeg UnitNorm",
        "keras.losses" => LOSSES,
        "keras.metrics" => METRICS,
        "keras.optimizers" => OPTIMIZERS,
        "keras.optimizers.schedules" => SCHEDULES,
        _ => return false,
    };
    lists(classes, class)
}

fn lists(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|listed| listed == name)
}

/// Whether this is a plain loss or metric.
pub(super) fn function(name: &str) -> bool {
    lists(FUNCTIONS, name)
}

/// Whether this is a type of numbers.
pub(super) fn dtype(name: &str) -> bool {
    lists(DTYPES, name)
}

/// What is known to be dangerous about a class or function name, whatever its module.
pub(crate) fn hazard(name: &str) -> Option<Hazard> {
    match name {
        "Lambda" | "__lambda__" | "__function__" | "<lambda>" => Some(Hazard::Code),
        "StringLookup" | "IntegerLookup" | "IndexLookup" | "TextVectorization" => {
            Some(Hazard::VocabularyFile)
        }
        "Hashing" | "HashedCrossing" => Some(Hazard::Hashing),
        "TorchModuleWrapper" | "TFSMLayer" | "FlaxLayer" | "JaxLayer" => {
            Some(Hazard::ForeignRuntime)
        }
        "__typespec__" => Some(Hazard::TypeSpec),
        "get_file"
        | "load_model"
        | "load_weights"
        | "save_model"
        | "save_weights"
        | "load_img"
        | "save_img"
        | "extract_archive"
        | "enable_unsafe_deserialization"
        | "clear_session"
        | "model_from_json"
        | "deserialize_keras_object"
        | "func_load"
        | "image_dataset_from_directory"
        | "text_dataset_from_directory"
        | "audio_dataset_from_directory"
        | "config"
        | "set_backend"
        | "eval"
        | "exec"
        | "__import__"
        | "system"
        | "open"
        | "getattr" => Some(Hazard::Api),
        _ => None,
    }
}
