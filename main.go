// Command phpsapi runs PHP as a command line (php), as a CGI program (php-cgi) and as a FastCGI and HTTP server (php-fpm). PHP itself is
// a library, libphp, which is loaded when the program starts.
//
// The name by which the program was called chooses one of the three, or its first argument does: phpsapi cli, phpsapi cgi, phpsapi fpm. The
// same executable is also every other process of a service: its zygotes, its workers, its HTTP server (see package lifecycle). docs/ARCHITECTURE.md
// is the map of the code.
//
// The runtime's container support keeps a file of the cgroup open for the life of the process, where a script would
// find it; its names for mappings are system calls at every start.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0
package main

import (
	"os"

	"github.com/phpsapi/phpsapi/cmd"
)

func main() {
	os.Exit(cmd.Main())
}
