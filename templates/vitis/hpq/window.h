// SPDX-License-Identifier: Apache-2.0
// Line buffer and sliding window: pixels in, windows out.
#ifndef HPQ_WINDOW_H
#define HPQ_WINDOW_H

#include "beat.h"
#include "number.h"

namespace hpq {

// Scans the padded image one beat per cycle: Config::pixels pixels of a row, or a chunk of one's channels. The
// image is in row-major order, the chunks of a pixel follow each other. A beat of windows begins `advance` pixels
// after the one before; where taps are found, from the newest pixel, repeats after `phases` beats of windows. Where
// they advance by less than a beat, windows leave with every beat from the first ones on, and the last `late` ones
// of a row while the next one is scanned, or at the end of the frame.
//
// Config: pixels of a beat, windows of a beat; chunks of a pixel; height and width of the input in rows and
// beats, scan_h, scan_w of the padded area, which has pad_top rows above and pad_beats on the left; first_y,
// first_x: row and beat with which the first windows are complete, last_column: the same in pixels; advance,
// phases, late; out_height, out_beats; kernel_h/_w, dilation_h/_w, stride_h/_w; span_h (rows of one window, dilation
// included); past: columns of pixels kept of earlier beats; oldest: where among these and the newest a row's first
// window begins; by_channel; pad_value (raw).
//
// lines, word x * chunks + chunk, element r * LANES + i: the span_h - 1 beats above, oldest first.
// columns, word chunk, element (ky * past + c) * lanes + l: for each row of taps the last pixels.
// Output element (w * taps + t) * lanes + l is tap t = ky * kernel_w + kx of window w and channel chunk * lanes + l, or
// element (w * lanes + l) * taps + t where they are ordered by channel.
template <class Config>
struct windows_of {
    static const bool crowded = Config::out_beats > 1 && Config::advance < Config::pixels;

    // The beat of the scanned row with which a beat of windows leaves.
    static int leaves(int number) {
#pragma HLS inline
        return crowded ? Config::first_x + number
                       : (Config::last_column + number * Config::advance) / Config::pixels;
    }
    // Where its first window begins among the columns kept and the newest.
    static int place(int number) {
#pragma HLS inline
        return Config::oldest + number * Config::advance - (leaves(number) - leaves(0)) * Config::pixels;
    }
};

template <class Config, class X, unsigned LANES, class Y, unsigned OUT, unsigned LINE_MEMORIES, unsigned LINES,
          unsigned LINE, unsigned COLUMN_MEMORIES, unsigned CHUNKS, unsigned HISTORY>
void window(hls::stream<beat<X, LANES> >& in, hls::stream<beat<Y, OUT> >& out,
            X (&lines)[LINE_MEMORIES][LINES][LINE], X (&columns)[COLUMN_MEMORIES][CHUNKS][HISTORY]) {
#pragma HLS inline
    const int past = Config::past;
    const int lanes = int(LANES) / Config::pixels;  // of a pixel
    const int count = Config::kernel_h * Config::kernel_w;
    const bool crowded = windows_of<Config>::crowded;
    const int last_y = Config::first_y + (Config::out_height - 1) * Config::stride_h;
    const int last_x = windows_of<Config>::leaves(Config::out_beats - 1);
    const int steps = Config::scan_h * Config::scan_w * Config::chunks + Config::late;
    // Counted by hand: a loop of rows of columns would scan a whole row for late ones.
    typename counter<Config::scan_h + 1>::type y;
    typename counter<Config::scan_w>::type x;
    typename counter<Config::chunks>::type chunk;
    typename counter<LINES>::type line;  // x * chunks + chunk
    typename counter<Config::phases>::type phase;
    // With which the next windows are complete.
    typename counter<Config::first_y + Config::scan_h + Config::stride_h + 1>::type next_y;
    typename counter<Config::first_x + Config::scan_w + Config::advance + 2>::type next_x;

window_scan:
    for (int step = 0; step < steps; ++step) {
#pragma HLS pipeline II=1 style=flp rewind
        if (step == 0) {
            y = 0;
            x = 0;
            chunk = 0;
            line = 0;
            phase = 0;
            next_y = Config::first_y;
            next_x = Config::first_x;
        }
        const bool inside = y >= Config::pad_top && y < Config::pad_top + Config::height &&
                            x >= Config::pad_beats && x < Config::pad_beats + Config::width;
        beat<X, LANES> pixel;
        if (inside) {
            pixel = in.read();
        } else {
            for (int l = 0; l < int(LANES); ++l) {
#pragma HLS unroll
                pixel.data[l] = from_raw<X>(Config::pad_value);
            }
        }

        // The column that ends in this beat, oldest row first; the line buffer moves up by one.
        X column[Config::span_h * LANES];
#pragma HLS array_partition variable=column type=complete
        for (int i = 0; i < (Config::span_h - 1) * int(LANES); ++i) {
#pragma HLS unroll
            column[i] = lines[i / int(LINE)][line][i % int(LINE)];
        }
        for (int l = 0; l < int(LANES); ++l) {
#pragma HLS unroll
            column[(Config::span_h - 1) * int(LANES) + l] = pixel.data[l];
        }
        for (int i = 0; i < (Config::span_h - 1) * int(LANES); ++i) {
#pragma HLS unroll
            lines[i / int(LINE)][line][i % int(LINE)] = column[i + int(LANES)];
        }

        // The rows of the windows that have taps; they move left by a beat.
        beat<Y, OUT> taps;
        for (int ky = 0; ky < Config::kernel_h; ++ky) {
#pragma HLS unroll
            X row[(Config::past + Config::pixels) * lanes];
#pragma HLS array_partition variable=row type=complete
            for (int i = 0; i < past * lanes; ++i) {
#pragma HLS unroll
                const int place = ky * past * lanes + i;
                row[i] = columns[place / int(HISTORY)][chunk][place % int(HISTORY)];
            }
            for (int l = 0; l < int(LANES); ++l) {
#pragma HLS unroll
                row[past * lanes + l] = column[ky * Config::dilation_h * int(LANES) + l];
            }
            for (int i = 0; i < past * lanes; ++i) {
#pragma HLS unroll
                const int place = ky * past * lanes + i;
                columns[place / int(HISTORY)][chunk][place % int(HISTORY)] = row[i + int(LANES)];
            }
            for (int w = 0; w < Config::windows; ++w) {
#pragma HLS unroll
                for (int kx = 0; kx < Config::kernel_w; ++kx) {
#pragma HLS unroll
                    const int right = w * Config::stride_w + kx * Config::dilation_w;
                    const int tap = ky * Config::kernel_w + kx;
                    for (int l = 0; l < lanes; ++l) {
#pragma HLS unroll
                        X value = row[(windows_of<Config>::place(0) + right) * lanes + l];
                        for (int p = 1; p < Config::phases; ++p) {
#pragma HLS unroll
                            if (phase == p) {
                                value = row[(windows_of<Config>::place(p) + right) * lanes + l];
                            }
                        }
                        taps.data[Config::by_channel ? (w * lanes + l) * count + tap
                                                     : (w * count + tap) * lanes + l] = recode<Y>(value);
                    }
                }
            }
        }

        int gap = windows_of<Config>::leaves(1) - windows_of<Config>::leaves(0);
        for (int p = 1; p < Config::phases; ++p) {
#pragma HLS unroll
            if (phase == p) {
                gap = windows_of<Config>::leaves(p + 1) - windows_of<Config>::leaves(p);
            }
        }
        const bool complete = y == next_y && x == next_x && y <= last_y && x <= last_x;
        if (complete || (crowded && phase > 0)) {
            out.write(taps);
            advance<Config::phases>(phase);
        }
        const bool end_of_pixel = chunk == Config::chunks - 1;
        const bool end_of_row = end_of_pixel && x == Config::scan_w - 1;
        if (end_of_row) {
            next_x = Config::first_x;
            if (!crowded) {
                phase = 0;
            }
            if (y == next_y) {
                next_y += Config::stride_h;
            }
            ++y;
        } else if (end_of_pixel && x == next_x && !crowded) {
            next_x += gap;
        }
        if (end_of_pixel) {
            advance<Config::scan_w>(x);
        }
        advance<Config::chunks>(chunk);
        advance<LINES>(line);
    }
}

}  // namespace hpq

#endif
