package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// A help is what a command of phpsapi prints for --help, in parts.
type help struct {
	path     []string // the words after phpsapi
	short    string   // from the list of the command above
	text     []string // the lines of the description
	usage    []string
	examples []string
	commands [][2]string // names and what they do
	flags    []string
}

// name is that of the command's page.
func (h *help) name() string { return strings.Join(append([]string{"phpsapi"}, h.path...), "-") }

// section is 8 for what administrators do.
func (h *help) section() int {
	if len(h.path) > 0 && h.path[0] == "fpm" {
		return 8
	}
	return 1
}

// helps returns what a program and its commands print for --help, in the order of their lists.
func helps(program string) (all []*help, err error) {
	first := &help{short: "runs PHP as a command line, as a CGI program and as a FastCGI server"}
	for next := []*help{first}; len(next) > 0; next = next[1:] {
		h := next[0]
		out, err := exec.Command(program, append(slices.Clone(h.path), "--help")...).Output()
		if err != nil {
			return nil, fmt.Errorf("%s %s --help: %w", program, strings.Join(h.path, " "), err)
		}
		h.read(string(out))
		all = append(all, h)
		for _, c := range h.commands {
			if c[0] != "help" && c[0] != "completion" {
				next = append(next, &help{path: append(slices.Clone(h.path), c[0]), short: c[1]})
			}
		}
	}
	return all, nil
}

// read takes a text as cobra prints it.
func (h *help) read(text string) {
	part := &h.text
	var commands []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		switch line {
		case "Usage:":
			part = &h.usage
		case "Examples:":
			part = &h.examples
		case "Available Commands:":
			part = &commands
		case "Flags:", "Global Flags:":
			part = &h.flags
		default:
			if !strings.HasPrefix(line, `Use "phpsapi`) {
				*part = append(*part, line)
			}
		}
	}
	for _, line := range commands {
		if name, what, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			h.commands = append(h.commands, [2]string{name, strings.TrimSpace(what)})
		}
	}
}

// page returns the manual page of a command among all.
func (h *help) page(all []*help, date, version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s %d %s %s\n", strings.ToUpper(h.name()), h.section(), quoted(date), quoted("phpsapi "+version))
	short := strings.ToLower(h.short[:1]) + h.short[1:]
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(h.name()), roff(short))
	own, text := usageOf(h.text)
	b.WriteString(".SH SYNOPSIS\n.nf\n")
	if len(own) == 0 {
		own = h.usage
	}
	for _, line := range own {
		if line = strings.TrimSuffix(strings.TrimSpace(line), " [flags]"); line != "" {
			fmt.Fprintf(&b, ".B %s\n", roff(line))
		}
	}
	b.WriteString(".fi\n.SH DESCRIPTION\n")
	b.WriteString(described(text))
	if len(h.commands) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range h.commands {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(c[0]), roff(c[1]))
		}
	}
	if len(h.flags) > 0 {
		b.WriteString(".SH OPTIONS\n" + described(h.flags))
	}
	if len(h.examples) > 0 {
		b.WriteString(".SH EXAMPLES\n.nf\n")
		for _, line := range h.examples {
			if line != "" {
				b.WriteString(roff(line) + "\n")
			}
		}
		b.WriteString(".fi\n")
	}
	b.WriteString(extra[h.name()])
	b.WriteString(".SH SEE ALSO\n" + h.related(all))
	return b.String()
}

// extra is what the help does not tell.
var extra = map[string]string{
	"phpsapi": files("/etc/phpsapi/phpsapi.yaml", "phpsapi's own settings, if there is no phpsapi.yaml beside php-fpm.conf"),
	"phpsapi-fpm": files("/etc/php/VERSION/fpm/php-fpm.conf", "the configuration, as of php-fpm", "/etc/phpsapi/fpm/php-fpm.conf",
		"that of phpsapi.service", "phpsapi.yaml", "phpsapi's own settings, beside php-fpm.conf") + `.SH SIGNALS
.TP
.B INT, TERM
abort the requests and end
.TP
.B QUIT
finish the requests and end
.TP
.B USR1
open the logs again
.TP
.B USR2
load the configuration again, or if the program's file was replaced execute that
`,
}

func files(all ...string) string {
	var b strings.Builder
	b.WriteString(".SH FILES\n")
	for pair := range slices.Chunk(all, 2) {
		fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", roff(pair[0]), roff(pair[1]))
	}
	return b.String()
}

// related are the commands above, below and beside.
func (h *help) related(all []*help) string {
	var names []string
	for _, other := range all {
		common := other == all[0] || len(other.path) <= 1 || slices.Equal(other.path[:1], h.path[:min(1, len(h.path))])
		if other != h && common {
			names = append(names, fmt.Sprintf(".BR %s (%d)", roff(other.name()), other.section()))
		}
	}
	return strings.Join(names, ",\n") + "\n"
}

// usageOf takes PHP's own usage lines out of a description.
func usageOf(text []string) (usage, rest []string) {
	taking := false
	for _, line := range text {
		if first, is := strings.CutPrefix(line, "Usage: "); is {
			taking, line = true, first
		} else if line == "" || isOption.MatchString(line) {
			taking = false
		}
		if taking {
			usage = append(usage, line)
		} else {
			rest = append(rest, line)
		}
	}
	return usage, rest
}

// An option, or a variable, and what it is, in PHP's tables and in cobra's.
var isOption = regexp.MustCompile(`^ {2,6}(-|PHPSAPI_|args\.\.\.)`)

// deep is how far a line is indented that continues with what an option is.
const deep = 16

// described returns paragraphs and lists of options.
func described(lines []string) string {
	var b strings.Builder
	inList, newParagraph := false, false
	for _, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case line == "":
			newParagraph = true
			continue
		case isOption.MatchString(line):
			tag, what := option(strings.TrimSpace(line))
			fmt.Fprintf(&b, ".TP\n.B %s\n", roff(tag))
			if what != "" {
				b.WriteString(roff(what) + "\n")
			}
			inList, newParagraph = true, false
			continue
		case inList && indent >= deep:
			b.WriteString(roff(strings.TrimSpace(line)) + "\n")
			continue
		case inList || newParagraph:
			b.WriteString(".PP\n")
		}
		inList, newParagraph = false, false
		b.WriteString(roff(strings.TrimSpace(line)) + "\n")
	}
	return strings.TrimPrefix(b.String(), ".PP\n")
}

// option parts an option with its arguments from what it is. Two spaces or more are between them, or one if there is no room.
func option(line string) (tag, what string) {
	if at := strings.Index(line, "  "); at > 0 {
		tag, what = line[:at], strings.TrimSpace(line[at:])
		if !strings.Contains(tag, "> ") || strings.HasPrefix(what, "<") {
			return tag, what
		}
	}
	words := strings.Split(line, " ")
	n := 1
	for n < len(words) && (strings.HasPrefix(words[n], "<") || strings.HasPrefix(words[n], "-") || strings.Contains(words[n], "[=")) {
		n++
	}
	return strings.Join(words[:n], " "), strings.TrimSpace(strings.Join(words[n:], " "))
}

// roff escapes a line of text.
func roff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", "\\`", "^", `\(ha`, "~", `\(ti`).Replace(line)
	if strings.HasPrefix(line, ".") {
		line = `\&` + line
	}
	return line
}

func quoted(text string) string { return `"` + roff(text) + `"` }
