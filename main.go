// phpsapi runs PHP as a command line, as a CGI program and as a FastCGI server.

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
