module github.com/phpsapi/phpsapi

go 1.26
