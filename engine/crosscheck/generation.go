package crosscheck

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
)

// generator is the code that decides what a script is.
//
//go:embed rng.go setup.go handshake.go peer.go network.go receiver.go sender.go app.go actions.go themes.go odd.go state.go
var generator embed.FS

// Generation names the generator: it changes with its code, and so do the scripts
// of a seed.
func Generation() string {
	h := sha256.New()
	files, err := generator.ReadDir(".")
	if err != nil {
		panic(err) // it is in the program
	}
	for _, f := range files {
		b, err := generator.ReadFile(f.Name())
		if err != nil {
			panic(err)
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
