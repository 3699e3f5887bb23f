package main

import (
	"os"
	"testing"
)

func TestTheProgramListsTheLicensesOfAllThatItContains(t *testing.T) {
	want, err := licenses("../..")
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../cmd/licenses/licenses.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Error("cmd/licenses/licenses.txt is not what the program contains; go run ./packaging/licenses >cmd/licenses/licenses.txt")
	}
}
