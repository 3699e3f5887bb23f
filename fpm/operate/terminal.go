package operate

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// terminal is one that shows whole screens, and whose keys are read one by one.
type terminal struct {
	in, out *os.File
	before  *unix.Termios
	done    bool
}

// openTerminal takes over the terminal that in and out are; nil: they are none.
func openTerminal(in, out *os.File) *terminal {
	mode, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS)
	if err != nil || !isTerminal(out) {
		return nil
	}
	t := &terminal{in: in, out: out, before: mode}
	raw := *mode
	raw.Lflag &^= unix.ICANON | unix.ECHO | unix.ISIG | unix.IEXTEN
	raw.Iflag &^= unix.IXON | unix.ICRNL
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, &raw) != nil {
		return nil
	}
	fmt.Fprint(out, "\x1b[?1049h\x1b[?25l") // the other screen, no cursor
	return t
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// restore gives the terminal back as it was.
func (t *terminal) restore() {
	if t.done {
		return
	}
	t.done = true
	fmt.Fprint(t.out, reset+"\x1b[?25h\x1b[?1049l")
	unix.IoctlSetTermios(int(t.in.Fd()), unix.TCSETS, t.before)
}

// size returns the columns and lines.
func (t *terminal) size() (width, height int) {
	w, err := unix.IoctlGetWinsize(int(t.out.Fd()), unix.TIOCGWINSZ)
	if err != nil || w.Col == 0 || w.Row == 0 {
		return 80, 24
	}
	return int(w.Col), int(w.Row)
}

// show draws a screen in the place of the one before.
func (t *terminal) show(lines []string) {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	fmt.Fprint(t.out, b.String())
}

// key is what the user has pressed.
type key rune

// The keys that are not characters.
const (
	keyUp key = -1 - iota
	keyDown
	keyInterrupt // Ctrl-C
	keyEscape
	keyOther
)

// keysOf takes what the terminal sent apart.
func keysOf(sent []byte) (pressed []key) {
	for len(sent) > 0 {
		switch {
		case len(sent) >= 3 && sent[0] == 0x1b && (sent[1] == '[' || sent[1] == 'O'):
			n := 2
			for n < len(sent)-1 && sent[n] < 0x40 { // parameters
				n++
			}
			switch sent[n] {
			case 'A':
				pressed = append(pressed, keyUp)
			case 'B':
				pressed = append(pressed, keyDown)
			default:
				pressed = append(pressed, keyOther)
			}
			sent = sent[n+1:]
			continue
		case sent[0] == 0x1b:
			pressed = append(pressed, keyEscape)
		case sent[0] == 3:
			pressed = append(pressed, keyInterrupt)
		default:
			pressed = append(pressed, key(sent[0]))
		}
		sent = sent[1:]
	}
	return pressed
}
