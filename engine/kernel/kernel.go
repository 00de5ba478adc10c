package kernel

// Device is the name of a target's device, which scripts count on.
const Device = "tun0"

// A Job is what a worker is to do.
type Job struct {
	// Paths are files and folders that the script needs, such as its own
	// folder. A worker's /tmp is private and empty; what contains these in the
	// real one is shown there.
	Paths []string
	// Payload is handed to the registered Runner.
	Payload []byte
	// Processor is where the script's timeline is to run, nil for anywhere.
	Processor *int
}

// A Runner does a job in a worker. It runs in the worker's main goroutine,
// locked to its thread. emit sends the parent a message without waiting for
// it. The error's text becomes that of Worker.Run.
type Runner func(t *Target, job []byte, emit func(msg []byte)) error

// What workers run.
var runner, bareRunner Runner

// Register sets what workers run. Call it before Main, in the same way in
// parent and worker: they are one program.
func Register(r Runner) { runner = r }

// RegisterBare is Register for workers that StartBare starts.
func RegisterBare(r Runner) { bareRunner = r }
