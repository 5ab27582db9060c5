// For Verilator's FST writer on a machine without zlib: what it asks for, without compressing. Where the
// result is not smaller, the writer stores what it has as it is, which is what FST readers expect then.
#ifndef HPQ_FST_ZLIB_H
#define HPQ_FST_ZLIB_H

#include <cstring>

typedef unsigned char Bytef;
typedef unsigned long uLong;
typedef unsigned long uLongf;

enum { Z_OK = 0, Z_BUF_ERROR = -5 };

inline uLong compressBound(uLong size) { return size; }

inline int compress2(Bytef* to, uLongf* room, const Bytef* from, uLong size, int) {
    if (*room < size) return Z_BUF_ERROR;
    std::memcpy(to, from, size);
    *room = size;
    return Z_OK;
}

#endif
