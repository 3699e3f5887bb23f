// Command single finishes the program that has PHP inside (make single).
//
//	go run ./packaging/single build/single/phpsapi
//
// It takes the words that hold addresses of the program's own off the loader's list (DT_RELR), and has the program enter them itself
// (lifecycle/boot_relocations.c): that is quicker, and those of Go's data are entered by processes with Go alone. The list stays where it
// is, and the loader reads its first entry, which is the word that calls the program's function. Only the list's length and a table of the
// program's are changed. A program that is finished already is left as it is.
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
