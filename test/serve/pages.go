package serve

// Rows is a script that does some work: it sorts 200 rows and shows them as a table. What it prints ends with RowsEnd.
const Rows = `<?php
$rows = [];
for ($i = 0; $i < 200; $i++) {
	$rows[] = ['id' => $i, 'name' => str_repeat(chr(97 + $i % 26), 20), 'mail' => preg_replace('/o+/', '0', "foo$i@example.org")];
}
usort($rows, fn($a, $b) => $b['name'] <=> $a['name'] ?: $a['id'] <=> $b['id']);
ob_start();
foreach ($rows as $r) {
	printf("<tr><td>%d</td><td>%s</td><td>%s</td></tr>\n", $r['id'], htmlspecialchars($r['name']), $r['mail']);
}
header('X-Rows: ' . count($rows));
echo '<table>', ob_get_clean(), "</table>\n", strlen(json_encode($rows)), "` + RowsEnd + `";`

// RowsEnd is the end of what Rows prints.
const RowsEnd = "\npage\n"
