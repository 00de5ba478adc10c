package kernelstack

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

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
	return Work(t, &job, emit, func(cfg *engine.Config) (engine.Target, error) {
		if err := t.Configure(cfg.Net); err != nil {
			return nil, fmt.Errorf("setting up the network: %w", err)
		}
		return t, nil
	})
}

// Work runs a job in a worker on the target that open makes of t, and sends its outcome.
func Work(t *kernel.Target, job *drill.Job, emit func([]byte), open func(*engine.Config) (engine.Target, error)) error {
	progress := engine.Progress{Watch: watch()}
	o := drill.Run(job, drill.Place{
		PID:      os.Getpid(),
		Progress: &progress,
		Open: func(cfg *engine.Config) (engine.Target, error) {
			if cfg.Timeout > 0 {
				time.AfterFunc(t.StartDelay()+cfg.Timeout+StuckAfter, func() { giveUp(progress.Stuck(cfg.Timeout), emit) })
			}
			return open(cfg)
		},
	})
	o.Start = t.Monotonic(o.Start)
	return send(o, emit)
}

// ProgressEnv names a file to which a worker writes what it comes to, an
// engine.Failure as JSON a line, so that something is known of it when its
// kernel hangs.
const ProgressEnv = "TCPDRILL_PROGRESS"

// watch returns what writes there, nil if that isn't asked for.
func watch() func(engine.Failure) {
	name := os.Getenv(ProgressEnv)
	if name == "" {
		return nil
	}
	os.Unsetenv(ProgressEnv) // it is nothing to commands
	f, err := os.OpenFile(name, os.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	return func(at engine.Failure) {
		if b, err := json.Marshal(at); err == nil {
			unix.Write(int(f.Fd()), append(b, '\n'))
		}
	}
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
