package main

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	var out strings.Builder
	p := newProgram(&out, nil)
	p.read(strings.NewReader(`{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestB/one/two","Output":"went wrong\n"}
{"Action":"fail","Package":"p","Test":"TestB/one/two"}
{"Action":"pass","Package":"p","Test":"TestB/other"}
{"Action":"fail","Package":"p","Test":"TestB/one"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"Action":"output","Package":"q","Output":"PASS\n"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.1s\n"}
{"Action":"pass","Package":"q"}
something else
10 passed, 2 failed, 3 skipped
4 passed, 0 failed
`))
	if got, want := p.sum().String(), "16 passed, 3 failed, 4 skipped"; got != want {
		t.Errorf("the sum is %q, want %q", got, want)
	}
	want := "went wrong\nFAIL\tp\t0.1s\nok  \tq\t0.1s\nsomething else\n10 passed, 2 failed, 3 skipped\n4 passed, 0 failed\n"
	if out.String() != want {
		t.Errorf("it printed %q, want %q", out.String(), want)
	}
}

// A test that fails beside its subtests, which pass, was not counted where another test failed.
func TestFailureOfAParentAlone(t *testing.T) {
	p := newProgram(new(strings.Builder), nil)
	p.read(strings.NewReader(`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA/x"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`))
	if got, want := p.sum().String(), "1 passed, 1 failed, 0 skipped"; got != want {
		t.Errorf("the sum is %q, want %q", got, want)
	}
}

func TestProgramsThatFail(t *testing.T) {
	for _, test := range []struct {
		args []string
		sum  string
		says string
	}{
		{[]string{"false"}, "0 passed, 1 failed, 0 skipped", "false: exit status 1\n"},
		{[]string{"sh", "-c", "echo 1 passed, 1 failed; exit 1"}, "1 passed, 1 failed, 0 skipped", "1 passed, 1 failed\n"},
		{[]string{"/no/such/program"}, "0 passed, 1 failed, 0 skipped", "no such file"},
		{[]string{"sh", "-c", `echo '{"Action":"start","Package":"p"}'; kill -9 $$`}, "0 passed, 1 failed, 0 skipped", ""},
	} {
		var out strings.Builder
		p := newProgram(&out, test.args)
		p.run()
		if got := p.sum().String(); got != test.sum {
			t.Errorf("%q: the sum is %q, want %q", test.args, got, test.sum)
		}
		if !strings.Contains(out.String(), test.says) {
			t.Errorf("%q: it printed %q, want %q", test.args, out.String(), test.says)
		}
	}
}

func TestGroupsRunOneAfterTheOther(t *testing.T) {
	got := groups([]string{"go test -json", "a b", "+", "c", "+", "d"})
	want := [][][]string{{{"go", "test", "-json"}}, {{"a", "b"}, {"c"}, {"d"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Each of two programs waits for what the other makes.
func TestProgramsOfAGroupRunSideBySide(t *testing.T) {
	dir := t.TempDir()
	waits := func(own, other string) []string {
		return []string{"sh", "-c", "touch " + own + "; for i in $(seq 1000); do [ -e " + other + " ] && echo 1 passed, 0 failed && exit; sleep 0.01; done; exit 1"}
	}
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	var out strings.Builder
	sum := tally{out: &out}
	sum.run(waits(a, b), waits(b, a))
	if want := (count{passed: 2}); sum.sum() != want {
		t.Errorf("got %v, want %v: %s", sum.sum(), want, out.String())
	}
}
