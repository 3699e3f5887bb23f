package machine

import (
	"os"
	"os/exec"
	"testing"
	"testing/fstest"
)

func TestChildrenOfAllThreadsAreCounted(t *testing.T) {
	root := fstest.MapFS{
		"proc/7/task/7/children": {Data: []byte("8 9 ")}, "proc/7/task/11/children": {Data: []byte("12\n")}, "proc/7/task/13/children": {},
		"proc/70/task/70/children": {Data: []byte("71")}, "proc/8/task/8/comm": {Data: []byte("php")},
	}
	for pid, want := range map[int]int{7: 3, 70: 1, 8: 0, 9: 0} {
		if got := children(root, pid); got != want {
			t.Errorf("process %d has %d, want %d", pid, got, want)
		}
	}
}

// Processes that nobody has waited for count for a limit of tasks.
func TestEndedProcessesAreCounted(t *testing.T) {
	cmd := exec.Command("true")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	out.Read(make([]byte, 1)) // its end
	if got := Children(os.Getpid()); got < 1 {
		t.Errorf("%d processes", got)
	}
}
