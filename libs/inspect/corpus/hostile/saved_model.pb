
*2.16

n	WriteFile