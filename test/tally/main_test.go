package main

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	var out strings.Builder
	sum := tally{out: &out}
	sum.read(strings.NewReader(`{"Action":"start","Package":"p"}
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
	if got, want := sum.sum(), "16 passed, 3 failed, 4 skipped"; got != want {
		t.Errorf("the sum is %q, want %q", got, want)
	}
	want := "went wrong\nFAIL\tp\t0.1s\nok  \tq\t0.1s\nsomething else\n10 passed, 2 failed, 3 skipped\n4 passed, 0 failed\n"
	if out.String() != want {
		t.Errorf("it printed %q, want %q", out.String(), want)
	}
}

func TestProgramsThatFail(t *testing.T) {
	var out strings.Builder
	sum := tally{out: &out}
	if err := sum.run([]string{"false"}); err == nil {
		t.Error("a program that fails without a count is no error")
	}
	if err := sum.run([]string{"sh", "-c", "echo 1 passed, 1 failed; exit 1"}); err != nil {
		t.Error("a program that counts its failure is an error:", err)
	}
	if err := sum.run([]string{"/no/such/program"}); err == nil {
		t.Error("a program that is not there is no error")
	}
	if got, want := sum.sum(), "1 passed, 3 failed, 0 skipped"; got != want {
		t.Errorf("the sum is %q, want %q", got, want)
	}
}
