package handover

import (
	"encoding/binary"
	"reflect"
	"syscall"
	"testing"
)

// message is a client's, with a structure of size bytes.
func message(size, argc, open uint32, text string) []byte {
	m := make([]byte, size)
	copy(m, magic)
	if size >= headerSize {
		binary.NativeEndian.PutUint32(m[sizeAt:], size)
		binary.NativeEndian.PutUint32(m[argcAt:], argc)
		binary.NativeEndian.PutUint32(m[openAt:], open)
	}
	return append(m, text...)
}

func TestNewCall(t *testing.T) {
	c, err := newCall(message(40, 2, 0b101, "php-cgi\x00x\x00A=1\x00B=\x00"), []int{7, 8, 9})
	if err != nil || !reflect.DeepEqual(c.Argv, []string{"php-cgi", "x"}) || !reflect.DeepEqual(c.Env, Environment{"A=1", "B="}) ||
		c.Directory != 7 || len(c.process) != 40 {
		t.Errorf("%+v, %v", c, err)
	}
	other := message(40, 1, 0, "a\x00")
	other[0] = 'X'
	for name, bad := range map[string][]byte{
		"empty":             nil,
		"cut short":         message(20, 0, 0, ""),
		"another program's": other,
		"no arguments":      message(40, 0, 0, "A=1\x00"),
		"too few strings":   message(40, 2, 0, "a\x00"),
		"no strings":        message(40, 1, 0, ""),
		"no end":            message(40, 1, 0, "a"),
		"descriptors":       message(40, 1, 0b111, "a\x00"),
	} {
		if c, err := newCall(bad, []int{7}); err == nil {
			t.Errorf("%s: %+v", name, c)
		} else if len(c.files) != 1 {
			t.Errorf("%s: its descriptors are lost", name)
		}
	}
	large := message(40, 1, 0, "a\x00")
	binary.NativeEndian.PutUint32(large[sizeAt:], 1<<31)
	if _, err := newCall(large, []int{7}); err == nil {
		t.Error("a structure larger than its message was taken")
	}
}

func FuzzNewCall(f *testing.F) {
	f.Add(message(40, 2, 0, "php-cgi\x00x\x00A=1\x00"))
	f.Fuzz(func(t *testing.T, m []byte) {
		if c, err := newCall(m, []int{-1}); err == nil && (len(c.Argv) == 0 || len(c.process) < headerSize) {
			t.Errorf("%+v", c)
		}
	})
}

func TestEnvironment(t *testing.T) {
	e := Environment{"A=1", "AB=2", "C=", "A=3"}
	for name, want := range map[string]string{"A": "1", "AB": "2", "C": "", "B": "none"} {
		value, set := e.Lookup(name)
		if !set {
			value = "none"
		}
		if value != want {
			t.Errorf("%s: got %q, want %q", name, value, want)
		}
	}
}

func TestINIReferences(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkdir(dir+"/conf.d", 0o755); err != nil {
		t.Fatal(err)
	}
	files := iniFiles("cgi-fcgi", dir+":/none/php.ini", dir+"/conf.d:")
	w := watch(files)
	if w.changed() {
		t.Error("nothing changed")
	}
	fd, err := syscall.Open(dir+"/php.ini", syscall.O_CREAT|syscall.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Write(fd, []byte("a=${ONE}\nb=x${TWO:-y}z\n"))
	syscall.Close(fd)
	if !w.changed() {
		t.Error("a php.ini came and was not seen")
	}
	if got := variablesIn(files); !reflect.DeepEqual(got, []string{"ONE", "TWO"}) {
		t.Errorf("%q", got)
	}
}
