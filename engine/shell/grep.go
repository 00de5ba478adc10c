package shell

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// grepOptions are grep's, as far as they are built in.
type grepOptions struct {
	quiet, invert, fold, count, only, word, line, names, silent bool
	number, withName, noName                                    bool
	syntax                                                      byte // 'G', 'E' or 'F'
	max                                                         int  // -1: no limit
	patterns                                                    []string
}

// grep is `grep [-qvicowxEFGhHlns] [-m N] [-e PATTERN] PATTERN [FILE...]`.
func grep(c *call) (int, error) {
	o := grepOptions{syntax: 'G', max: -1}
	names, ok := o.parse(c.args)
	if !ok {
		return 0, errOther
	}
	re, err := o.compile()
	if err != nil {
		return 0, errOther
	}
	o.withName = (o.withName || len(names) > 1) && !o.noName
	matched := false
	complaints := c.err
	if o.silent {
		c.err = io.Discard
	}
	exit, err := c.files("grep", names, func(name string, r io.Reader) error {
		if name == "-" {
			name = "(standard input)"
		}
		n, err := o.search(c.out, re, name, r)
		matched = matched || n > 0
		if n > 0 && o.quiet {
			return errEnough
		}
		return err
	})
	c.err = complaints
	switch {
	case err != nil:
		return 0, err
	case matched && (o.quiet || exit == 0):
		return 0, nil
	case exit != 0:
		return 2, nil
	}
	return 1, nil
}

func (o *grepOptions) parse(args []string) (names []string, ok bool) {
	ended := false
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if ended || len(arg) < 2 || arg[0] != '-' {
			names = append(names, arg)
			continue
		}
		if arg == "--" {
			ended = true
			continue
		}
		for i := 1; i < len(arg); i++ {
			switch arg[i] {
			case 'q':
				o.quiet = true
			case 'v':
				o.invert = true
			case 'i':
				o.fold = true
			case 'c':
				o.count = true
			case 'o':
				o.only = true
			case 'w':
				o.word = true
			case 'x':
				o.line = true
			case 'l':
				o.names = true
			case 's':
				o.silent = true
			case 'n':
				o.number = true
			case 'H':
				o.withName = true
			case 'h':
				o.noName = true
			case 'E', 'F', 'G':
				o.syntax = arg[i]
			case 'e', 'm':
				value := arg[i+1:]
				if value == "" {
					if len(args) == 0 {
						return nil, false
					}
					value, args = args[0], args[1:]
				}
				if arg[i] == 'e' {
					o.patterns = append(o.patterns, value)
				} else {
					n, err := strconv.Atoi(value)
					if err != nil {
						return nil, false
					}
					o.max = n
				}
				i = len(arg)
			default:
				return nil, false
			}
		}
	}
	if o.patterns == nil {
		if len(names) == 0 {
			return nil, false
		}
		o.patterns, names = names[:1], names[1:]
	}
	return names, true
}

func (o *grepOptions) compile() (*regexp.Regexp, error) {
	var alternatives []string
	for _, p := range o.patterns {
		for line := range strings.SplitSeq(p, "\n") {
			if o.syntax == 'F' {
				line = regexp.QuoteMeta(line)
			} else {
				var err error
				if line, err = translate(line, o.syntax == 'E'); err != nil {
					return nil, err
				}
			}
			alternatives = append(alternatives, "(?:"+line+")")
		}
	}
	expr := "(?:" + strings.Join(alternatives, "|") + ")"
	switch {
	case o.line:
		expr = "^" + expr + "$"
	case o.word:
		expr = `\b` + expr + `\b`
	}
	if o.fold {
		expr = "(?i)" + expr
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	re.Longest()
	return re, nil
}

// search prints what a file has and returns how many lines matched.
func (o *grepOptions) search(w io.Writer, re *regexp.Regexp, name string, r io.Reader) (n int, err error) {
	label := ""
	if o.withName {
		label = name + ":"
	}
	number := 0
	err = lines(r, func(line string) error {
		number++
		if o.max >= 0 && n >= o.max {
			return errEnough
		}
		if re.MatchString(line) == o.invert {
			return nil
		}
		n++
		switch {
		case o.quiet || o.names:
			return errEnough
		case o.count:
			return nil
		}
		prefix := label
		if o.number {
			prefix += strconv.Itoa(number) + ":"
		}
		if !o.only {
			_, err := io.WriteString(w, prefix+line+"\n")
			return err
		}
		for _, m := range re.FindAllString(line, -1) {
			if m != "" && !o.invert {
				if _, err := io.WriteString(w, prefix+m+"\n"); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == errEnough {
		err = nil
	}
	switch {
	case err != nil || o.quiet:
	case o.names && n > 0:
		_, err = fmt.Fprintln(w, name)
	case o.count && !o.names:
		_, err = fmt.Fprintf(w, "%s%d\n", label, n)
	}
	return n, err
}

// translate turns a POSIX regular expression, basic or extended, with GNU's
// additions, into Go's syntax.
func translate(p string, extended bool) (string, error) {
	var b strings.Builder
	start := true // of the expression or of a group or alternative
	for i := 0; i < len(p); i++ {
		ch := p[i]
		atStart := start
		start = false
		switch {
		case ch == '\\':
			i++
			if i == len(p) {
				return "", fmt.Errorf("trailing backslash")
			}
			switch e := p[i]; {
			case e >= '1' && e <= '9':
				return "", fmt.Errorf("back-reference")
			case e == '<' || e == '>':
				b.WriteString(`\b`)
			case strings.IndexByte("bBwWsS", e) >= 0:
				b.WriteString(`\` + string(e))
			case !extended && strings.IndexByte("(){}|+?", e) >= 0:
				b.WriteByte(e)
				start = e == '(' || e == '|'
			default:
				b.WriteString(regexp.QuoteMeta(string(e)))
			}
		case ch == '[':
			end := bracketEnd(p, i)
			if end < 0 {
				return "", fmt.Errorf("unmatched [")
			}
			// A backslash stands for itself in there.
			b.WriteString(strings.ReplaceAll(p[i:end], `\`, `\\`))
			i = end - 1
		case ch == '*' && atStart:
			b.WriteString(`\*`)
		case ch == '^' && !atStart && !extended:
			b.WriteString(`\^`)
		case ch == '^':
			b.WriteByte(ch)
			start = true
		case ch == '$' && !extended && i+1 < len(p) && !strings.HasPrefix(p[i+1:], `\)`) && !strings.HasPrefix(p[i+1:], `\|`):
			b.WriteString(`\$`)
		case strings.IndexByte("(){}|+?", ch) >= 0 && !extended:
			b.WriteString(`\` + string(ch))
		default:
			b.WriteByte(ch)
			start = extended && (ch == '(' || ch == '|')
		}
	}
	return b.String(), nil
}

// bracketEnd returns where the bracket expression that starts at i ends, after
// its "]", or -1.
func bracketEnd(p string, i int) int {
	i++
	if i < len(p) && p[i] == '^' {
		i++
	}
	if i < len(p) && p[i] == ']' {
		i++
	}
	for i < len(p) {
		switch {
		case p[i] == ']':
			return i + 1
		case strings.HasPrefix(p[i:], "[:"):
			end := strings.Index(p[i+2:], ":]")
			if end < 0 {
				return -1
			}
			i += end + 4
		default:
			i++
		}
	}
	return -1
}
