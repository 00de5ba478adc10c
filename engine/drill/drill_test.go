package drill

import (
	"errors"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/script"
)

func setting(name, value string) engine.Setting {
	return engine.Setting{Name: name, Value: value, HasValue: true}
}

// Defaults give way to the script's own options, and those to the command line's.
func TestPrecedence(t *testing.T) {
	const own = "--tolerance_usecs=2000\n--define=SIZE=small\n0 `echo SIZE`\n+0 close(3) = 0\n"
	for _, tt := range []struct {
		source             string
		defaults, settings []engine.Setting
		want               time.Duration
	}{
		{"0 close(3) = 0\n", nil, nil, 4 * time.Millisecond},
		{"0 close(3) = 0\n", []engine.Setting{setting("tolerance_usecs", "1000")}, nil, time.Millisecond},
		{own, []engine.Setting{setting("tolerance_usecs", "1000")}, nil, 2 * time.Millisecond},
		{own, nil, []engine.Setting{setting("tolerance_usecs", "3000")}, 3 * time.Millisecond},
	} {
		j := NewJob("test.pkt", []byte(tt.source), tt.settings)
		j.Defaults = tt.defaults
		_, cfg, err := j.Load()
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Tolerance != tt.want {
			t.Errorf("got %v, want %v: %+v", cfg.Tolerance, tt.want, tt)
		}
	}
}

// A symbol has the command line's value, if it has one there.
func TestDefine(t *testing.T) {
	const source = "--define=ERR=EBADF\n0 close(3) = -1 ERR (x)\n"
	for want, settings := range map[string][]engine.Setting{
		"EBADF":  nil,
		"EINVAL": {setting("define", "ERR=EINVAL")},
	} {
		s, _, err := NewJob("test.pkt", []byte(source), settings).Load()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Events[0].Call.Errno; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// An error says whose it is: the script's, with its place, or the command line's.
func TestLoadErrors(t *testing.T) {
	for _, tt := range []struct {
		name, source string
		settings     []engine.Setting
		verdict      engine.Verdict
		line         int
		summary      string
	}{
		{"in the script", "0 close(3 = 0\n", nil, engine.Error, 1, "got =, want a comma or )"},
		{"an option of the script", "--bind_port=0\n0 close(3) = 0\n", nil, engine.Error, 1, ""},
		{"an option of the command line", "0 close(3) = 0\n", []engine.Setting{setting("mss", "x")}, engine.Error, 0,
			"command line: bad --mss: x: want a number, 1 to 65535"},
		{"a definition", "0 close(3) = 0\n", []engine.Setting{setting("define", "=1")}, engine.Error, 0,
			"command line: bad --define: =1: want SYMBOL=VALUE"},
		{"what isn't to be had", "--so_filename=x\n0 close(3) = 0\n", nil, engine.Unsupported, 0, "--so_filename is not supported here"},
	} {
		_, _, err := NewJob("test.pkt", []byte(tt.source), tt.settings).Load()
		var list script.ErrorList
		if errors.As(err, &list) != (tt.line > 0) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		o := Failed(err)
		f := o.Failures[0]
		if o.Verdict != tt.verdict || f.Line != tt.line || tt.summary != "" && f.Summary != tt.summary {
			t.Errorf("%s: %s, line %d: %s", tt.name, o.Verdict, f.Line, f.Summary)
		}
	}
}
