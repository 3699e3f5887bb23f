package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// notJoined are the objects of PHP that are compiled each by itself. zend_execute keeps two variables in registers, and link-time
// optimization has no way to say that. memory has a function in whose place a function of phpsapi is called (--wrap): the linker
// replaces calls from one object to another only.
var notJoined = []string{"Zend/zend_execute.lo", "main/streams/memory.lo"}

// toJoin is the flag by which an object can be optimized together with others.
const toJoin = "-flto"

// joinFlags returns the flags by which objects are optimized as one. The result is code of a program: none of its own symbols is ever
// another file's. On amd64 such code would reach data of other files as if they were its own; an option leaves that out.
func joinFlags() string {
	if runtime.GOARCH != "amd64" {
		return cflags + " " + trained
	}
	return strings.ReplaceAll(cflags, "-fPIC", "-fPIE") + " -mno-direct-extern-access " + trained
}

// joined returns the name of the one object that join makes.
func (w *work) joined() string { return filepath.Join(w.dir, "joined.o") }

// join optimizes PHP's objects as one, but for those of notJoined.
func (w *work) join(log *os.File) error {
	names, err := w.phpObjects()
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(notJoined, name) })
	objects, err := w.libtoolObjects(strings.Join(names, " "))
	if err != nil {
		return err
	}
	list := filepath.Join(w.dir, "joined")
	if err := os.WriteFile(list, []byte(strings.Join(objects, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	arguments := append(strings.Fields(joinFlags()), "-r", "-nostdlib", fmt.Sprintf("%s=%d", toJoin, w.jobs), "-flinker-output=nolto-rel",
		"-o", w.joined(), "@"+list)
	return execute(log, w.root, nil, "cc", arguments...)
}
