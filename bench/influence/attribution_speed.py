"""What streaming scores cost beside a plain pass: processor seconds and peak memory on a small Llama, one thread.

    python bench/influence/attribution_speed.py >bench/record/attribution_speed-DATE.jsonl

A plain pass is a forward and a backward of the 128 training and 16 query sequences. Every measurement is a process of its own;
its memory is the peak beyond that of the model after one plain batch. Needs unhat, torch and transformers.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time

LENGTH, QUERIES, BATCH = 64, 16, 16


def main():
    if len(sys.argv) == 3:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
        return
    for repeat in range(3):
        for what, samples in (("plain", 128), ("ip", 128), ("ip", 1024)):
            run = subprocess.run([sys.executable, __file__, what, str(samples)], check=True, capture_output=True, text=True)
            print(json.dumps({"repeat": repeat, **json.loads(run.stdout)}), flush=True)


def measured(what, samples):
    import torch
    import transformers

    import unhat
    from unhat.torch import Attribution, lm_losses

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(vocab_size=512, hidden_size=128, intermediate_size=256, num_hidden_layers=4,
                                      num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=128)
    model = transformers.LlamaForCausalLM(config).eval()
    train, queries = (torch.randint(0, 512, (n, LENGTH)).split(BATCH) for n in (samples, QUERIES))

    def losses(model, batch):
        return lm_losses(model(input_ids=batch).logits, batch)

    def plain(batch):
        losses(model, batch).sum().backward()
        model.zero_grad(set_to_none=True)

    plain(queries[0])
    first, start = peak(), time.process_time()
    if what == "plain":
        for batch in (*train, *queries):
            plain(batch)
    else:
        rows = sum(len(scores) for scores in Attribution(model, losses, method=what).queries(queries).stream(train))
        assert rows == samples
    seconds = time.process_time() - start
    return {
        "what": what, "samples": samples, "queries": QUERIES, "parameters": sum(p.numel() for p in model.parameters()),
        "processor_seconds": round(seconds, 3), "peak_mb": round(peak() - first, 1), "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__, "transformers": transformers.__version__, "unhat": unhat.__version__, "machine": platform.machine(),
    }


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000.0


if __name__ == "__main__":
    main()
