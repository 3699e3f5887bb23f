// Command phpsapi runs PHP as a command line (php), as a CGI program (php-cgi) and as a FastCGI and HTTP server (php-fpm). PHP itself is
// a library, libphp, which is loaded when the program starts.
//
// The name by which the program was called chooses one of the three, or its first argument does: phpsapi cli, phpsapi cgi, phpsapi fpm. The
// same executable is also every other process of a service: the zygotes, in which PHP was started and which fork the workers, the workers
// themselves, and the HTTP server. Package lifecycle has the picture of them, docs/ARCHITECTURE.md is the map of the code.
//
// Two habits of Go's runtime are switched off in main.go. To follow the limits of a container it keeps a file of the cgroup open for the
// life of the process, and a script would find that descriptor. To name its memory mappings it makes system calls at every start.
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
