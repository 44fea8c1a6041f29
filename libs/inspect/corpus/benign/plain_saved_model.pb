
*2.16

nMatMul