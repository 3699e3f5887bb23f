<?php
ob_start();
for ($i = 0; $i < 2000; $i++) {
    echo "<tr><td>", $i, "</td><td>", sprintf('%08.3f', $i / 7), "</td><td>", md5((string) $i), "</td></tr>\n";
}
echo ob_get_clean();
