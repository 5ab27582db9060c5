// SPDX-License-Identifier: Apache-2.0
// Line buffer and sliding window: pixels in, windows out.
#ifndef HPQ_WINDOW_H
#define HPQ_WINDOW_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Scans the padded image one position and LANES channels per cycle. The image is in row-major order, the
// channel chunks of a pixel follow each other.
//
// Config: channels, height, width (input); kernel_h/_w, stride_h/_w, dilation_h/_w; span_h/_w (what one
// window covers, dilation included); pad_top, pad_left; out_height, out_width; scan_h/_w (the padded area);
// pad_value (raw).
//
// lines[column][r * LANES + l]: at each column of the scan the span_h - 1 pixels above, oldest first.
// columns[chunk][(ky * (span_w - 1) + c) * LANES + l]: for each row of taps the last span_w - 1 pixels.
// Output element (ky * kernel_w + kx) * LANES + l is tap (ky, kx) of channel chunk * LANES + l.
template <class Config, class X, unsigned LANES, class Y, unsigned OUT, unsigned LINE, unsigned HISTORY>
void window(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, OUT> >& out, X lines[][LINE],
            X columns[][HISTORY]) {
#pragma HLS inline
    const int chunks = Config::channels / int(LANES);
    const int past = Config::span_w - 1;
    const int last_y = (Config::out_height - 1) * Config::stride_h + Config::span_h - 1;
    const int last_x = (Config::out_width - 1) * Config::stride_w + Config::span_w - 1;
    int next_y = Config::span_h - 1;  // bottom row of the next windows
    int next_x = Config::span_w - 1;  // right column of the next window

window_rows:
    for (int y = 0; y < Config::scan_h; ++y) {
    window_columns:
        for (int x = 0; x < Config::scan_w; ++x) {
        window_chunks:
            for (int chunk = 0; chunk < chunks; ++chunk) {
#pragma HLS pipeline II=1
                const bool inside = y >= Config::pad_top && y < Config::pad_top + Config::height &&
                                    x >= Config::pad_left && x < Config::pad_left + Config::width;
                beat<X, LANES> pixel;
                if (inside) {
                    pixel = in.read();
                } else {
                    for (unsigned l = 0; l < LANES; ++l) {
#pragma HLS unroll
                        pixel.data[l] = from_raw<X>(Config::pad_value);
                    }
                }

                // The column that ends in this pixel, oldest row first; the line buffer moves up by one.
                X column[Config::span_h * LANES];
#pragma HLS array_partition variable=column complete
                for (int i = 0; i < (Config::span_h - 1) * int(LANES); ++i) {
#pragma HLS unroll
                    column[i] = lines[x * chunks + chunk][i];
                }
                for (unsigned l = 0; l < LANES; ++l) {
#pragma HLS unroll
                    column[(Config::span_h - 1) * LANES + l] = pixel.data[l];
                }
                for (int i = 0; i < (Config::span_h - 1) * int(LANES); ++i) {
#pragma HLS unroll
                    lines[x * chunks + chunk][i] = column[i + LANES];
                }

                // The rows of the window that have taps; they move left by one.
                beat<Y, OUT> taps;
                for (int ky = 0; ky < Config::kernel_h; ++ky) {
#pragma HLS unroll
                    X row[Config::span_w * LANES];
#pragma HLS array_partition variable=row complete
                    for (int i = 0; i < past * int(LANES); ++i) {
#pragma HLS unroll
                        row[i] = columns[chunk][ky * past * int(LANES) + i];
                    }
                    for (unsigned l = 0; l < LANES; ++l) {
#pragma HLS unroll
                        row[past * LANES + l] = column[ky * Config::dilation_h * LANES + l];
                    }
                    for (int i = 0; i < past * int(LANES); ++i) {
#pragma HLS unroll
                        columns[chunk][ky * past * int(LANES) + i] = row[i + LANES];
                    }
                    for (int kx = 0; kx < Config::kernel_w; ++kx) {
#pragma HLS unroll
                        for (unsigned l = 0; l < LANES; ++l) {
#pragma HLS unroll
                            taps.data[(ky * Config::kernel_w + kx) * LANES + l] =
                                recode<Y>(row[kx * Config::dilation_w * LANES + l]);
                        }
                    }
                }

                if (y == next_y && x == next_x && y <= last_y && x <= last_x) {
                    out.write(taps);
                }
                if (chunk == chunks - 1) {
                    if (x == Config::scan_w - 1) {
                        next_x = Config::span_w - 1;
                        if (y == next_y) {
                            next_y += Config::stride_h;
                        }
                    } else if (x == next_x) {
                        next_x += Config::stride_w;
                    }
                }
            }
        }
    }
}

}  // namespace hpq

#endif
