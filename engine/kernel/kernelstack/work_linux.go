package kernelstack

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel"
	"tcpdrill/script"
)

// Main runs a worker if this process is one, and then doesn't return. Call it
// first thing in main, and in TestMain.
func Main() {
	kernel.Register(work)
	go script.Warm() // parent and worker have something to wait for first
	kernel.Main()
}

// work runs a job in a worker and sends its outcome.
func work(t *kernel.Target, payload []byte, emit func([]byte)) error {
	var job drill.Job
	if err := json.Unmarshal(payload, &job); err != nil {
		return err
	}
	var progress engine.Progress
	o := drill.Run(&job, drill.Place{
		PID:      os.Getpid(),
		Progress: &progress,
		Open: func(cfg *engine.Config) (engine.Target, error) {
			if cfg.Timeout > 0 {
				time.AfterFunc(cfg.Timeout+StuckAfter, func() { giveUp(progress.Stuck(cfg.Timeout), emit) })
			}
			if err := t.Configure(cfg.Net); err != nil {
				return nil, fmt.Errorf("setting up the network: %w", err)
			}
			return t, nil
		},
	})
	return send(o, emit)
}

func send(o *engine.Outcome, emit func([]byte)) error {
	b, err := json.Marshal(o)
	if err == nil {
		emit(b)
	}
	return err
}

// giveUp ends a worker whose engine is stuck.
func giveUp(o *engine.Outcome, emit func([]byte)) {
	_ = send(o, emit)
	os.Exit(0)
}
