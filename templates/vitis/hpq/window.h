// SPDX-License-Identifier: Apache-2.0
// Line buffer and sliding window: pixels in, windows out.
#ifndef HPQ_WINDOW_H
#define HPQ_WINDOW_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Scans the padded image one beat per cycle: Config::pixels pixels of a row, or a chunk of one's channels. The
// image is in row-major order, the chunks of a pixel follow each other. Windows leave so many at once that each
// tap is always found at the same distance from the newest pixel.
//
// Config: pixels of a beat, windows of a beat; chunks of a pixel; height and width of the input in rows and
// beats, scan_h, scan_w of the padded area, which has pad_top rows above and pad_beats on the left; first_y,
// first_x: row and beat with which the first windows are complete, every: beats until the next ones; out_height,
// out_beats; kernel_h/_w, dilation_h/_w, stride_h/_w; span_h (rows of one window, dilation included); past: columns
// of pixels kept of earlier beats; oldest: where among these and the newest a beat's first window begins;
// by_channel; pad_value (raw).
//
// lines[beat][r * LANES + i]: at each beat of the scan the span_h - 1 beats above, oldest first.
// columns[chunk][(ky * past + c) * lanes + l]: for each row of taps the last pixels.
// Output element (w * taps + t) * lanes + l is tap t = ky * kernel_w + kx of window w and channel chunk * lanes + l, or
// element (w * lanes + l) * taps + t where they are ordered by channel.
template <class Config, class X, unsigned LANES, class Y, unsigned OUT, unsigned LINE, unsigned HISTORY>
void window(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, OUT> >& out, X lines[][LINE],
            X columns[][HISTORY]) {
#pragma HLS inline
    const int chunks = Config::chunks;
    const int past = Config::past;
    const int lanes = int(LANES) / Config::pixels;  // of a pixel
    const int count = Config::kernel_h * Config::kernel_w;
    const int last_y = Config::first_y + (Config::out_height - 1) * Config::stride_h;
    const int last_x = Config::first_x + (Config::out_beats - 1) * Config::every;
    int next_y = Config::first_y;  // with which the next windows are complete
    int next_x = Config::first_x;

window_rows:
    for (int y = 0; y < Config::scan_h; ++y) {
    window_columns:
        for (int x = 0; x < Config::scan_w; ++x) {
        window_chunks:
            for (int chunk = 0; chunk < chunks; ++chunk) {
#pragma HLS pipeline II=1
                const bool inside = y >= Config::pad_top && y < Config::pad_top + Config::height &&
                                    x >= Config::pad_beats && x < Config::pad_beats + Config::width;
                beat<X, LANES> pixel;
                if (inside) {
                    pixel = in.read();
                } else {
                    for (unsigned l = 0; l < LANES; ++l) {
#pragma HLS unroll
                        pixel.data[l] = from_raw<X>(Config::pad_value);
                    }
                }

                // The column that ends in this beat, oldest row first; the line buffer moves up by one.
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

                // The rows of the windows that have taps; they move left by a beat.
                beat<Y, OUT> taps;
                for (int ky = 0; ky < Config::kernel_h; ++ky) {
#pragma HLS unroll
                    X row[(Config::past + Config::pixels) * lanes];
#pragma HLS array_partition variable=row complete
                    for (int i = 0; i < past * lanes; ++i) {
#pragma HLS unroll
                        row[i] = columns[chunk][ky * past * lanes + i];
                    }
                    for (unsigned l = 0; l < LANES; ++l) {
#pragma HLS unroll
                        row[past * lanes + l] = column[ky * Config::dilation_h * LANES + l];
                    }
                    for (int i = 0; i < past * lanes; ++i) {
#pragma HLS unroll
                        columns[chunk][ky * past * lanes + i] = row[i + LANES];
                    }
                    for (int w = 0; w < Config::windows; ++w) {
#pragma HLS unroll
                        for (int kx = 0; kx < Config::kernel_w; ++kx) {
#pragma HLS unroll
                            const int from = Config::oldest + w * Config::stride_w + kx * Config::dilation_w;
                            const int tap = ky * Config::kernel_w + kx;
                            for (int l = 0; l < lanes; ++l) {
#pragma HLS unroll
                                taps.data[Config::by_channel ? (w * lanes + l) * count + tap
                                                             : (w * count + tap) * lanes + l] =
                                    recode<Y>(row[from * lanes + l]);
                            }
                        }
                    }
                }

                if (y == next_y && x == next_x && y <= last_y && x <= last_x) {
                    out.write(taps);
                }
                if (chunk == chunks - 1) {
                    if (x == Config::scan_w - 1) {
                        next_x = Config::first_x;
                        if (y == next_y) {
                            next_y += Config::stride_h;
                        }
                    } else if (x == next_x) {
                        next_x += Config::every;
                    }
                }
            }
        }
    }
}

}  // namespace hpq

#endif
