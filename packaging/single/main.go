// Command single finishes the program that has PHP inside (make single).
//
//	go run ./packaging/single build/single/phpsapi
//
// Such a program can be loaded at any address, so that thousands of its words have to be corrected at each start. The system's loader has
// a list of them (DT_RELR) and corrects them one by one, which costs a page fault for each page. This command makes the list shorter and
// writes the rest of it into a table in the program, which then corrects those words itself (lifecycle/boot_relocations.c). That is
// quicker, and words of Go's data are corrected only in processes that start Go. One entry is left to the loader: the word by which it
// finds the program's function. Nothing else in the file is changed, and a program that is finished already is left as it is.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./packaging/single PROGRAM")
		os.Exit(2)
	}
	if err := finish(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "packaging/single:", err)
		os.Exit(1)
	}
}
