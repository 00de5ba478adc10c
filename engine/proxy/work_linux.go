package proxy

import (
	"encoding/json"
	"fmt"

	"tcpdrill/engine"
	"tcpdrill/engine/kernel"
	"tcpdrill/engine/kernel/kernelstack"
)

// Register has workers know how to run scripts on proxies. Call it before any other Main.
func Register() { kernel.RegisterBare(work) }

// work runs a job in a worker and sends its outcome.
func work(t *kernel.Target, payload []byte, emit func([]byte)) error {
	var p task
	if err := json.Unmarshal(payload, &p); err != nil {
		return err
	}
	return kernelstack.Work(t, p.Job, emit, func(cfg *engine.Config) (engine.Target, error) {
		target, err := open(t, p.Kind, p.Path, cfg)
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", p.Kind, err)
		}
		return target, nil
	})
}
