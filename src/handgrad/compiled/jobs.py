"""A job: what the engine is told, as one array of 64-bit integers: addresses, sizes, strides and flags.

A job is for one network or a stack. Strides tell how far apart the networks' numbers lie; 0 where they share them.
"""

# fmt: off
(
    # the plan
    OPERATIONS, COUNT, FIRST, INPUTS, OUTPUTS, LOSS, LOSS_RULE, RULES, GEMM,
    # the networks: flat vectors, and the optimiser's memory with its slots SLOT_STRIDE apart
    NETWORKS, PARAMETERS, STATES, PARAMS, STATE, MEMORY, SLOTS, SLOT_STRIDE, ACTIVE,
    # the data: (inputs, rows) and (outputs, rows) if IN_ORDER, else (rows, inputs) and (rows, outputs)
    X, X_STRIDE, T, T_STRIDE, ROWS_OF_X, ROW_WEIGHTS, IN_ORDER, ORDER, ORDER_STRIDE, EPOCH_STRIDE, BATCH, EPOCHS,
    # a step
    UPDATE, COEFFICIENTS, COEFFICIENT_COUNT, COEFFICIENT_STRIDE, SHRINKS, SHRINK_STRIDE, L2, CLIP, CHUNKS, CHUNK_COUNT,
    OUTSIDE, INSIDE, KEYS, FIRST_STEP, TRAINING,
    # what comes out: LOSSES (epochs, networks); FAILED (networks), the step that was not finite, or -1;
    # LOGITS (networks, rows, outputs) and CLASSES (networks, rows) of a prediction
    LOSSES, FAILED, LOGITS, CLASSES, GRADIENT,
    # the work space of a worker, and where its parts begin
    WORK, WORK_SIZE, GRADIENT_AT, CHECKS_AT, SNAPSHOT_AT, BATCH_AT, VALUES_AT, GRADIENTS_AT, SCRATCH_AT,
    # the workers: TOGETHER on one network, else each on the NEXT one
    THREADS, TOGETHER, NEXT, TEAM, YIELD,
    # the addresses of the inner loops, and of the parts of a step
    COPY_LOOP, ADD_LOOP, ADD_BIAS, UNIT_SUMS, GATHER, SHARE_OUT, EQUAL_SHARES, PENALISE, LARGEST, SCALED_SQUARES,
    TRANSPOSE_ROWS, CHOOSE, TRANSPOSE, FORWARD_PRODUCT, INPUT_GRADIENT, WEIGHT_GRADIENT,
    RUN_NETWORK, KEEP, FETCH, STEP, FORWARD, BACKWARD, APPLY, CLIPPING,
) = range(88)
# fmt: on
SIZE = 88
TEAM_SIZE = 8  # integers between the counters of two threads: a cache line
WEIGHT, OTHER, FROZEN_WEIGHT = range(3)  # what a chunk of parameters holds
