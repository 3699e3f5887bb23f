package machine

import (
	"bytes"
	"io/fs"
	"os"
	"strconv"
)

// Children returns how many children a process has, ended ones that it has not waited for included: they count for a limit of tasks, too. It
// returns 0 if the kernel does not tell.
func Children(pid int) int { return children(os.DirFS("/"), pid) }

func children(root fs.FS, pid int) (n int) {
	threads, _ := fs.Glob(root, "proc/"+strconv.Itoa(pid)+"/task/*/children") // each has those that it forked
	for _, name := range threads {
		text, _ := fs.ReadFile(root, name)
		n += len(bytes.Fields(text))
	}
	return n
}
