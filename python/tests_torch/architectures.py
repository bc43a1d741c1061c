"""Small networks as people have them, each with samples, queries, and one loss a sample; weights are random."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from unhat.torch import lm_losses

V = 40  # words


class Case:
    """A network, its losses, and its samples one by one with what makes a batch of them."""

    def __init__(self, model, losses, make, collate=None):
        self.model, self.losses, self.collate = model.eval(), losses, collate or _stacked
        random = torch.Generator().manual_seed(1)
        self.train, self.queries = ([make(random) for _ in range(n)] for n in (6, 3))

    def batches(self, items, size=4):
        return [self.collate(items[k : k + size]) for k in range(0, len(items), size)]


def _stacked(items):
    return torch.stack(items) if isinstance(items[0], torch.Tensor) else tuple(torch.stack(column) for column in zip(*items, strict=True))


def words(random, length=12):
    return torch.randint(3, V, (length,), generator=random)


def of_classes(model, batch):
    return functional.cross_entropy(model(batch[0]), batch[1], reduction="none")


def of_next_words(model, batch):
    return functional.cross_entropy(model(batch[:, :-1]).transpose(1, 2), batch[:, 1:], reduction="none").mean(1)


def of_language_model(model, batch):
    return lm_losses(model(input_ids=batch).logits, batch)


def pictures(*shape, classes=10):
    return lambda random: (torch.randn(*shape, generator=random), torch.randint(classes, (), generator=random))


def _config(name, **options):
    transformers = pytest.importorskip("transformers")
    return transformers, getattr(transformers, f"{name}Config")(vocab_size=V, **options)


def llama(tied=False):
    transformers, config = _config("Llama", hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                                   num_key_value_heads=2, tie_word_embeddings=tied, max_position_embeddings=64)
    return transformers.LlamaForCausalLM(config)


def gpt2(tied=True):
    transformers, config = _config("GPT2", n_positions=32, n_embd=32, n_layer=2, n_head=2, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
                                   tie_word_embeddings=tied, bos_token_id=0, eos_token_id=0)
    return transformers.GPT2LMHeadModel(config)


def mixtral():
    transformers, config = _config("Mixtral", hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                                   num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2, max_position_embeddings=64)
    return transformers.MixtralForCausalLM(config)


def with_lora(model, targets, fan_in_fan_out):
    peft = pytest.importorskip("peft")
    model = peft.get_peft_model(model, peft.LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=targets, fan_in_fan_out=fan_in_fan_out))
    for name, p in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(p, std=0.1)
    return model


def partly_frozen():
    model = llama()
    for name, p in model.named_parameters():
        p.requires_grad_("layers.0" not in name)
    return model


def labelled(random, length=12):
    x = words(random, length)
    y, first = x.clone(), int(torch.randint(1, length - 1, (1,), generator=random))
    y[:first] = -100
    return x, y


def padded(items):
    length = max(len(item) for item in items)
    x, y = torch.zeros(len(items), length, dtype=torch.long), torch.full((len(items), length), -100)
    for k, item in enumerate(items):
        x[k, : len(item)] = y[k, : len(item)] = item
    return x, y, (y != -100).long()


def uneven(random):
    return words(random, int(torch.randint(5, 14, (1,), generator=random)))


def bert():
    transformers, config = _config("Bert", hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=3,
                                   hidden_dropout_prob=0, attention_probs_dropout_prob=0, max_position_embeddings=64)
    return Case(transformers.BertForSequenceClassification(config),
                lambda m, b: functional.cross_entropy(m(input_ids=b[0]).logits, b[1], reduction="none"),
                lambda random: (words(random), torch.randint(3, (), generator=random)))


def t5():
    transformers, config = _config("T5", d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, dropout_rate=0,
                                   decoder_start_token_id=0, pad_token_id=0)

    def losses(model, batch):
        logits = model(input_ids=batch[0], labels=batch[1]).logits
        return functional.cross_entropy(logits.transpose(1, 2), batch[1], reduction="none").mean(1)

    return Case(transformers.T5ForConditionalGeneration(config), losses, lambda random: (words(random, 10), words(random, 9)))


class Sequences(nn.Module):
    """nn.Transformer from sequences to sequences."""

    def __init__(self, batch_first, d=32):
        super().__init__()
        self.batch_first = batch_first
        self.embedding, self.out = nn.Embedding(V, d), nn.Linear(d, V)
        self.inner = nn.Transformer(d, 4, 2, 2, 64, dropout=0.0, batch_first=batch_first)

    def forward(self, source, target):
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        a, b = self.embedding(source), self.embedding(target)
        if self.batch_first:
            return self.out(self.inner(a, b, tgt_mask=mask))
        return self.out(self.inner(a.transpose(0, 1), b.transpose(0, 1), tgt_mask=mask)).transpose(0, 1)


def sequences(batch_first, target=10, source=10):
    def losses(model, batch):
        return functional.cross_entropy(model(batch[0], batch[1][:, :-1]).transpose(1, 2), batch[1][:, 1:], reduction="none").mean(1)

    return Case(Sequences(batch_first), losses, lambda random: (words(random, source), words(random, target)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.inner, self.o = nn.Embedding(V, 16), nn.LSTM(16, 32, batch_first=True), nn.Linear(32, V)

    def forward(self, x):
        return self.o(self.inner(self.e(x))[0])


class Fused(nn.Module):
    """Rows of batch · time."""

    def __init__(self):
        super().__init__()
        self.e, self.a, self.o = nn.Embedding(V, 16), nn.Linear(16, 32), nn.Linear(32, V)

    def forward(self, x):
        h = self.e(x).view(x.numel(), -1)
        return self.o(torch.tanh(self.a(h))).view(*x.shape, -1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.a, self.o = nn.Embedding(V, 32), nn.MultiheadAttention(32, 4, batch_first=True), nn.Linear(32, V)

    def forward(self, x):
        h = self.e(x)
        return self.o(h + self.a(h, h, h, need_weights=False)[0])


def vision(name):
    models = pytest.importorskip("torchvision").models
    if name == "vit":
        model = models.VisionTransformer(32, 8, 2, 4, 32, 64, num_classes=10)
        nn.init.normal_(model.heads.head.weight, std=0.1)
    elif name == "swin":
        model = models.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], num_classes=10, stochastic_depth_prob=0.0)
    elif name == "convnext":
        block = models.convnext.CNBlockConfig
        model = models.ConvNeXt([block(16, 32, 2), block(32, None, 2)], num_classes=10, stochastic_depth_prob=0.0)
    else:
        model = getattr(models, name)(num_classes=10)
    return Case(model, of_classes, pictures(3, 32, 32))


def convolutional():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, stride=2), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3), nn.ReLU(inplace=True),
                         nn.Flatten(), nn.Linear(8 * 14 * 14, 10))


def of_volumes():
    return nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.ConvTranspose3d(4, 2, 2), nn.Flatten(), nn.Linear(2 * 5 * 5 * 5, 10))


def language(model, length=12):
    return Case(model, of_language_model, lambda random: words(random, length))


CASES = {
    "Llama": lambda: language(llama()),
    "Llama, tied": lambda: language(llama(tied=True)),
    "Llama, positions as many as samples": lambda: language(llama(), 4),
    "Llama, one layer frozen": lambda: language(partly_frozen()),
    "Llama, labels of -100": lambda: Case(llama(), lambda m, b: lm_losses(m(input_ids=b[0]).logits, b[1]), labelled),
    "Llama, padded": lambda: Case(llama(), lambda m, b: lm_losses(m(input_ids=b[0], attention_mask=b[2]).logits, b[1]), uneven, padded),
    "Llama, LoRA": lambda: language(with_lora(llama(), ["q_proj", "v_proj"], False)),
    "GPT-2, tied": lambda: language(gpt2()),
    "GPT-2": lambda: language(gpt2(tied=False)),
    "GPT-2, LoRA": lambda: language(with_lora(gpt2(), ["c_attn"], True)),
    "Mixtral": lambda: language(mixtral()),
    "BERT": bert,
    "T5": t5,
    "Transformer, samples first": lambda: sequences(True),
    "Transformer, time first": lambda: sequences(False),
    "Transformer, time first, positions as many as samples": lambda: sequences(False, 5, 4),
    "attention alone": lambda: Case(Attention(), of_next_words, words),
    "LSTM": lambda: Case(Recurrent(), of_next_words, words),
    "rows of batch and time": lambda: Case(Fused(), of_next_words, words),
    "convolutions": lambda: Case(convolutional(), of_classes, pictures(3, 32, 32)),
    "volumes": lambda: Case(of_volumes(), of_classes, pictures(1, 6, 6, 6)),
    **{name: lambda name=name: vision(name) for name in ("vit", "swin", "convnext", "resnet18", "mobilenet_v3_small")},
}
