package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module makes a module of one package for each text, the test file without its first line, and makes it the working
// directory.
func module(t *testing.T, packages map[string]string) {
	t.Chdir(t.TempDir())
	files := map[string]string{"go.mod": "module m\n\ngo 1.24\n"}
	for name, text := range packages {
		files[name+"/x_test.go"] = "package " + name + "\n" + text
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// once is a Go function that reports whether it was not called with a name before.
const once = `
import ("os"; "testing"; "time")
var _ = time.Sleep
func once(name string) bool { return os.Mkdir("../once." + name, 0o700) == nil }
`

// tallied runs `go test` as make does and returns the sum and what was printed.
func tallied(flags ...string) (count, string) {
	var out strings.Builder
	sum := tally{out: &out}
	sum.run(append(append([]string{"go", "test", "-json"}, flags...), "./..."))
	sum.again()
	return sum.sum(), out.String()
}

func TestSecondTry(t *testing.T) {
	module(t, map[string]string{
		"a": once + `
func TestA(t *testing.T) {}
func TestUnsteady(t *testing.T) {
	t.Run("x", func(t *testing.T) { if once("x") { t.Fatal("x was too slow") } })
	t.Run("y", func(t *testing.T) {})
	if once("more") { return }
	t.Run("z", func(t *testing.T) {})
}
func TestUnsteadyNot(t *testing.T) { if !once("other") { t.Error("this test was to run once") } }
`,
		"b": once + `
func TestWrong(t *testing.T) { once("wrong"); t.Error("is wrong") }
func TestSlow(t *testing.T) { if once("slow") { t.Error("was slow") } }
func TestSkips(t *testing.T) { if !once("skips") { t.Skip() }; t.Error("is skipped then") }
`,
	})
	sum, printed := tallied("-count=1")
	if want := (count{passed: 6, failed: 2}); sum != want {
		t.Errorf("the sum is %v, want %v", sum, want)
	}
	for text, times := range map[string]int{
		"x was too slow":       2,
		"was slow":             2,
		"is wrong":             2,
		"is skipped then":      1,
		"this test was to run": 0,
		"unsteady, passed at the second try: m/a TestUnsteady, m/b TestSlow\n": 1,
	} {
		if got := strings.Count(printed, text); got != times {
			t.Errorf("%q is printed %d times, want %d", text, got, times)
		}
	}
	if !strings.HasSuffix(printed, "m/b TestSlow\n") {
		t.Error("the line about unsteady tests is not the last")
	}
	if t.Failed() {
		t.Log(printed)
	}
}

func TestNoSecondTry(t *testing.T) {
	module(t, map[string]string{
		"panics": once + `
func TestA(t *testing.T) { if once("a") { t.Error("panics: failed before") } }
func TestB(t *testing.T) { if once("b") { panic("dies") } }
func TestC(t *testing.T) {}
`,
		"hangs": once + `
func TestA(t *testing.T) { if once("c") { t.Error("hangs: failed before") } }
func TestB(t *testing.T) { if once("d") { time.Sleep(time.Hour) } }
`,
		"exits": once + `
func TestA(t *testing.T) { t.Log("begins, and ends all"); if once("e") { os.Exit(1) } }
`,
		"leaves": once + `
func TestMain(m *testing.M) { if m.Run(); once("f") { os.Exit(1) } }
func TestA(t *testing.T) {}
`,
		"nonsense": "nonsense",
	})
	sum, printed := tallied("-count=1", "-timeout=10s")
	if want := (count{passed: 1, failed: 7}); sum != want {
		t.Errorf("the sum is %v, want %v", sum, want)
	}
	for _, text := range []string{"failed before", "panic: dies", "panic: test timed out", "begins, and ends all",
		"FAIL\tm/leaves", "FAIL\tm/nonsense [setup failed]"} {
		if !strings.Contains(printed, text) {
			t.Errorf("nothing says %q", text)
		}
	}
	if strings.Contains(printed, "second try") {
		t.Error("there is a second try")
	}
	if t.Failed() {
		t.Log(printed)
	}
}

func TestNoSecondTryOfManyTests(t *testing.T) {
	module(t, map[string]string{"a": once + `
func TestA(t *testing.T) { if once("a") { t.Error("failed") } }
func TestB(t *testing.T) { if once("b") { t.Error("failed") } }
func TestC(t *testing.T) { if once("c") { t.Error("failed") } }
func TestD(t *testing.T) { if once("d") { t.Error("failed") } }
func TestE(t *testing.T) { if once("e") { t.Error("failed") } }
func TestF(t *testing.T) { if once("f") { t.Error("failed") } }
`})
	if sum, printed := tallied("-count=1"); sum != (count{failed: 6}) {
		t.Errorf("the sum is %v, want 6 failed:\n%s", sum, printed)
	}
}

// A race is one even if it does not come again.
func TestNoSecondTryOfARace(t *testing.T) {
	var out strings.Builder
	sum := tally{out: &out}
	sum.run([]string{"sh", "-c", `if [ $# = 0 ]; then cat; exit 1; fi <<-'END'
	{"Action":"run","Package":"p","Test":"TestA"}
	{"Action":"output","Package":"p","Test":"TestA","Output":"WARNING: DATA RACE\n"}
	{"Action":"fail","Package":"p","Test":"TestA"}
	{"Action":"output","Package":"p","Output":"FAIL\n"}
	{"Action":"fail","Package":"p"}
	END`})
	sum.again()
	if want := (count{failed: 1}); sum.sum() != want {
		t.Errorf("the sum is %v, want %v", sum.sum(), want)
	}
	if strings.Contains(out.String(), "second try") {
		t.Errorf("there is a second try:\n%s", out.String())
	}
}

func TestTheSecondCommandLine(t *testing.T) {
	got := strings.Join(alone(strings.Fields("go test -json -race -count=1 ./p ./q/..."), name{"m/q", "TestX"}), " ")
	if want := "go test -json -race -count=1 -count=1 -run=^TestX$ m/q"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}
