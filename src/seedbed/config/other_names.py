"""What people type who come from other programs, and what it is called here.

Likeness of letters does not find `loader.batch_size` for `mini_batch`, and misleads elsewhere.
"""

from collections.abc import Iterable, Mapping

KEYS = {
    "optimizer.lr": "learning_rate learning_rate_init learningrate lr_init base_lr initial_lr eta0",
    "optimizer.weight_decay": "l2 l2_reg l2_regularization wd decay regularization alpha",
    "optimizer.betas": "beta1 beta2 beta_1 beta_2 beta",
    "optimizer.eps": "epsilon",
    "optimizer.groups": "param_groups parameter_groups params_groups layer_lrs lr_groups",
    "optimizer.no_decay": "no_weight_decay skip_weight_decay exclude_from_weight_decay",
    "init.run": "init_from load_from finetune_from warm_start from_run pretrained_run",
    "init.weights": "pretrained pretrained_weights pretrained_path load_weights weights_path",
    "init.freeze": "freeze_layers frozen_layers frozen freeze_params",
    "optimizer.alpha": "rho",
    "trainer.epochs": "max_epochs num_epochs n_epochs nb_epoch nb_epochs num_train_epochs max_iter "
    "n_iter iterations num_iterations epoch_count",
    "trainer.device": "gpu gpus accelerator devices cuda use_cuda use_gpu no_cuda n_gpus num_gpus",
    "trainer.strategy": "ddp fsdp distributed use_ddp distributed_backend data_parallel",
    "trainer.devices": "world_size nproc_per_node num_processes n_procs",
    "trainer.precision": "amp fp16 bf16 mixed_precision half dtype use_amp autocast",
    "trainer.accumulate": "accumulate_grad_batches gradient_accumulation_steps accumulation_steps "
    "grad_accum grad_accumulation gradient_accumulation accum_iter accum_steps accumulation "
    "grad_accum_steps update_freq iter_size",
    "scheduler.warmup": "warmup_steps num_warmup_steps warmup_ratio warmup_epochs warm_up "
    "warmup_iters warmup_proportion linear_warmup",
    "trainer.gradient_clip": "gradient_clip_val clip_grad grad_clip clip_norm max_grad_norm "
    "clipnorm clip grad_norm gradient_clipping clip_gradients",
    "trainer.gradient_clip_value": "clip_value clipvalue clip_grad_value grad_clip_value",
    "trainer.early_stopping.patience": "early_stop es_patience n_iter_no_change patience_epochs "
    "early_stopping_patience early_stopping_rounds",
    "trainer.early_stopping.min_delta": "tol tolerance delta_min",
    "trainer.monitor": "metric monitor_metric metric_for_best_model watch scoring eval_metric",
    "trainer.ema_decay": "ema ema_momentum decay_ema model_ema_decay ema_alpha ema_rate model_ema "
    "use_ema",
    "trainer.swa_start": "swa swa_epoch_start swa_epochs stochastic_weight_avg swa_begin use_swa",
    "trainer.select": "averaging average weight_averaging model_averaging "
    "save_best_only restore_best_weights load_best_model_at_end save_top_k",
    "trainer.threads": "num_threads n_threads torch_threads",
    "trainer.max_steps": "num_steps total_steps_of_run max_iters",
    "trainer.max_time": "time_limit max_seconds train_time",
    "trainer.limit_batches": "limit_train_batches limit_val_batches steps_per_epoch "
    "max_train_samples",
    "trainer.fast_dev_run": "dry_run smoke_test",
    "trainer.log_every": "log_interval log_every_n_steps log_freq logging_steps",
    "trainer.log_gradients": "track_grad_norm log_grad_norm log_gradient_norm log_grads "
    "log_gradient watch_gradients grad_norms gradient_norms gradient_norm log_norms",
    "trainer.compile": "torch_compile use_torch_compile jit_compile use_compile compile_model "
    "torchcompile",
    "trainer.checkpoint_every": "save_every checkpoint_interval save_freq every_n_epochs "
    "save_steps save_interval checkpointing enable_checkpointing",
    "loader.batch_size": "mini_batch minibatch_size bs train_batch_size batchsize batch "
    "per_device_train_batch_size",
    "loader.shuffle": "shuffle_train shuffle_data",
    "loader.collate": "collate_fn collator padding",
    "loader.pad_value": "padding_value pad_token_id",
    "loader.buckets": "group_by_length length_buckets bucket_sampler",
    "data.in_memory": "preload cache_dataset in_ram",
    "loader.num_workers": "n_workers dataloader_workers data_workers",
    "model.hidden": "units hidden_sizes hidden_dim hidden_dims hidden_layer_sizes hidden_units "
    "hidden_size hidden_layers widths width layer_sizes n_hidden num_hidden neurons num_units",
    "model.dropout": "dropout_rate drop_rate dropout_p p_dropout",
    "model.activation": "act activation_fn nonlinearity activation_function act_fn",
    "model.batch_norm": "batchnorm use_bn bn norm normalization use_batch_norm",
    "model.in_features": "input_size input_dim in_dim in_channels n_features num_features n_inputs "
    "num_inputs input_shape",
    "model.out_features": "output_size output_dim out_dim num_classes n_classes n_outputs "
    "num_outputs out_channels output_shape",
    "data.path": "file csv filename file_path filepath data_path data_file train_path train_file "
    "csv_path csv_file train_csv dataset_path parquet data_dir datapath",
    "data.size": "image_size img_size imgsz image_shape target_size resize resize_to crop_size",
    "data.channels": "num_channels n_channels color_mode colour_mode grayscale rgb",
    "data.transforms": "augmentation augmentations augment transform train_transforms data_aug "
    "aug_transforms item_tfms batch_tfms",
    "data.validation_path": "val_path valid_path validation_file val_file val_csv valid_file "
    "val_data validation_data",
    "data.test_path": "test_file test_csv test_data",
    "data.target": "label labels target_column label_column target_col y_col outcome response "
    "target_name label_col target_names",
    "data.features": "columns feature_columns inputs input x_cols feature_names usecols "
    "feature_cols",
    "data.split.validation": "val_split valid_split validation_split val_size valid_size val_frac "
    "validation_size val_fraction validation_fraction val valid dev validation_ratio val_ratio",
    "data.split.by": "group_col group_column groups_col split_by group_by",
    "data.split.time": "time_col time_column date_col date_column",
    "data.folds": "n_splits n_folds num_folds k_folds k_fold kfold cv cv_folds",
    "data.fold": "fold_idx fold_index fold_id fold_number",
    "data.weight": "sample_weight sample_weights weight_col weight_column",
    "data.split.test": "test_size test_split test_fraction test_frac test_ratio",
    "data.standardize": "normalize normalise scale scaler scaling standard_scaler standardise "
    "normalize_data",
    "data.dataset": "dataset",
    "data.delimiter": "sep separator delim",
    "data.missing": "na_values null_values missing_values",
    "data.categories": "cat_features categorical categorical_features cat_cols categorical_columns",
    "data.drop": "drop_columns ignore exclude_columns index_col drop_cols ignore_columns",
    "loss.class_weights": "class_weight",
    "loss.pos_weight": "scale_pos_weight positive_weight",
    "model": "net network arch architecture backbone",
    "loss": "criterion loss_fn loss_function objective cost",
    "optimizer": "optim opt solver",
    "scheduler": "lr_scheduler lr_schedule schedule",
    "loader": "dataloader data_loader",
    "seed": "random_seed random_state manual_seed seed_everything global_seed rng rng_seed",
    "name": "run_name experiment_name project project_name task_name",
    "hydra.run.dir": "output_dir save_dir out_dir default_root_dir log_dir logdir run_dir dirpath "
    "checkpoint_dir out outdir results_dir work_dir output_path",
    "sweep.workers": "n_jobs parallel_jobs",
    "sweep.draws": "n_trials num_samples n_iter_search trials num_trials",
}
"""Our keys, with the last parts of those that other programs have."""

ADVICE = {
    "whether less or more is better follows from trainer.monitor, as in "
    "trainer.monitor=val/accuracy": "mode direction maximize greater_is_better",
    "the widths in model.hidden say how many layers there are: type 'model.hidden=[64,64]'": ""
    "num_layers n_layers depth num_hidden_layers",
    "the rows that data.split.validation and data.split.test leave are those to train on": ""
    "train train_size train_split train_fraction",
    "history.csv, run.log and TensorBoard's events are always written": "logger loggers callbacks "
    "tensorboard log_every_n_epochs verbose enable_progress_bar",
    "type seedbed resume RUN": "resume resume_from resume_from_checkpoint ckpt_path "
    "checkpoint_path restore",
    "type loader.batch_size=largest": "auto_scale_batch_size auto_find_batch_size find_batch_size "
    "scale_batch_size max_batch_size",
    "those that fit the task are always computed; trainer.monitor names the one to go by": ""
    "metrics eval_metrics",
}
"""What does what keys of other programs do that there are none of, with the last parts of these."""

CHOICES = {"name", "type", "kind", "class", "class_name", "algorithm", "_name", "option"}
"""Last parts that choose an option in other programs."""

OPTIONS: dict[str, dict[str, str]] = {
    "loss": {
        "cross_entropy": "ce crossentropy crossentropyloss nll nllloss categorical_crossentropy "
        "sparse_categorical_crossentropy log_loss softmax logloss xent",
        "bce": "bce_with_logits bcewithlogits bcewithlogitsloss binary_crossentropy bceloss "
        "binary_cross_entropy logistic",
        "mse": "mseloss mean_squared_error l2 squared_error rmse",
        "auto": "null none default",
        "l1": "l1loss mae mean_absolute_error absolute_error",
        "huber": "smooth_l1 smoothl1 smoothl1loss huberloss",
    },
    "model": {
        "custom": "mlp linear net dense feedforward fnn ann mlpclassifier mlpregressor default",
        "sequential": "layers seq",
    },
    "scheduler": {
        "plateau": "reduce_on_plateau reducelronplateau reduce_lr_on_plateau",
        "cosine": "cosineannealing cosineannealinglr cosine_annealing",
        "step": "steplr step_lr",
        "sequence": "sequential sequentiallr sequential_lr",
        "chain": "chained chainedscheduler chained_scheduler compose",
        "multistep": "multisteplr multi_step milestones piecewise piecewise_constant",
        "exponential": "exponentiallr exp exponential_decay exponentialdecay",
        "polynomial": "polynomiallr poly polynomial_decay polynomialdecay",
        "linear": "linearlr linear_decay lineardecay linear_with_warmup",
        "cosine_restarts": "cosineannealingwarmrestarts cosine_annealing_warm_restarts sgdr "
        "cosine_with_restarts warm_restarts cosine_with_hard_restarts",
        "onecycle": "onecyclelr one_cycle 1cycle",
        "none": "null constant off false no",
    },
    "optimizer": {"sgd": "momentum nesterov gd", "adam": "amsgrad"},
    "data": {"csv": "tsv tab excel table file pandas txt", "parquet": "pq arrow feather"},
}
"""Our options, with what other programs call them."""


def _by_other_name(ours: Mapping[str, str]) -> dict[str, str]:
    return {other: our for our, others in ours.items() for other in others.split()}


_OUR_KEYS, _ADVICE = _by_other_name(KEYS), _by_other_name(ADVICE)
_OUR_OPTIONS = {group: _by_other_name(options) for group, options in OPTIONS.items()}


def _last_part(name: str) -> str:
    return name.rpartition(".")[2].lower().replace("-", "_")


def our_key(key: str) -> str | None:
    """Our name for a key of other programs, by its last part."""
    return _OUR_KEYS.get(_last_part(key))


def advice_on(key: str) -> str:
    """What does what a key of other programs does, after a semicolon; or nothing."""
    advice = _ADVICE.get(_last_part(key))
    return f"; {advice}" if advice else ""


def our_option(group: str, name: str, options: Iterable[str]) -> str | None:
    """Our name for an option of other programs."""
    ours = _OUR_OPTIONS.get(group, {}).get(_last_part(name))
    return ours if ours is not None and ours in options else None
