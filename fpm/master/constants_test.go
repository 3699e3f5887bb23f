package master

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
)

const withConstant = "[www]\nlisten = DIR/sock\npm = static\npm.max_children = SO_X | 2\n"

// The start and each reload ask the PHP of then.
func TestConstantsOfExtensionsAreThoseOfTheLastReload(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "constants")
	set := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("SO_X=0\n")
	s := start(t, withConstant, "MASTER_TEST_CONSTANTS="+file)
	s.expect("ready to handle")
	s.settle(2)
	set("SO_Y=1\nSO_X=1\n")
	s.signal(syscall.SIGUSR2)
	s.expect("ready to handle")
	s.settle(3)
	set("") // the extension is not loaded any more
	s.signal(syscall.SIGUSR2)
	s.expect("ready to handle")
	s.settle(2) // "SO_X" | 2, as in PHP
	s.never("WARNING")
}

// A reload asks PHP beside the loop. A PHP that hangs costs the words, and says so.
func TestPHPThatHangsWhenItIsAskedHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := start(t, static, "MASTER_TEST_CONSTANTS=DIR/constants", "MASTER_TEST_ASK_PATIENCE=1h")
	s.expect("ready to handle")
	s.configure(withConstant)
	s.signal(syscall.SIGUSR2)
	s.appears("constants.asked", "hangs")
	if got := s.ask("sock", "hello"); !strings.HasPrefix(got, "pool www generation 1") {
		t.Errorf("got %q", got)
	}
	s.alive()
}

func TestWordsAreTextWherePHPCannotBeAsked(t *testing.T) {
	t.Parallel()
	s := start(t, withConstant, "MASTER_TEST_CONSTANTS=DIR/constants", "MASTER_TEST_ASK_PATIENCE=20ms")
	const warning = `WARNING: \[.*/conf:7\] SO_X is taken as text, .*: PHP does not start: PHP Warning:  it is slow; put words`
	s.expect(warning)
	s.expect("ready to handle")
	s.settle(2)
	s.signal(syscall.SIGUSR2)
	s.expect(warning)
	s.expect("ready to handle")
	s.settle(2)
	s.alive()
}

// The loop does not wait for PHP, whatever has become of the file since it was rehearsed.
func TestConfigurationThatChangesWhileItIsReadIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "conf")
	text := "[www]\nlisten = /s\nuser = root\npm = static\npm.max_children = 1\nenv[A] = SO_X\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Master{errorLog: errorlog.New(true), opt: Options{Conf: conf.Options{Path: file, AllowRoot: true, System: conf.System{
		OpenErrorLog: func(*conf.Global) error { return nil }}}, Choose: testEngine, Module: testModule, Constants: testConstants}}
	if _, err := m.prepare(io.Discard, nil, nil, nil); err != errChanged {
		t.Errorf("got %v, want %v", err, errChanged)
	}
}
