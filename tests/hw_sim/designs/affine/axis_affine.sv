// Element-wise y = round(x * w[beat][lane] / 2) on an AXI4-Stream: 5 beats a packet, 3 lanes of 6 bits in,
// 3 lanes of 9 bits out. The weights are 4-bit words of affine_weights.mem.
//
// +BUG=<name> makes it wrong in one way, so that a testbench can be tested; +ROUND=trn truncates
// where it should round.

`timescale 1ns / 1ps

module axis_affine (
    input  wire        ap_clk,
    input  wire        ap_rst_n,
    input  wire [23:0] s_axis_TDATA,
    input  wire        s_axis_TVALID,
    output wire        s_axis_TREADY,
    input  wire        s_axis_TLAST,
    input  wire [ 2:0] s_axis_TKEEP,
    input  wire [ 2:0] s_axis_TSTRB,
    output wire [31:0] m_axis_TDATA,
    output wire        m_axis_TVALID,
    input  wire        m_axis_TREADY,
    output wire        m_axis_TLAST,
    output wire [ 3:0] m_axis_TKEEP,
    output wire [ 3:0] m_axis_TSTRB
);
    localparam int Beats = 5;
    localparam int Lanes = 3;

    // ---------------------------------------------------------------- what is wrong with this one
    string bug, rounding;
    logic drop, duplicate, last_early, last_extra, stale, keep_state, retract, change, hang, deaf;
    logic bad_keep, bad_strb, padding, overrun, ghost, truncate;
    initial begin
        if ($value$plusargs("BUG=%s", bug) == 0) bug = "none";
        if ($value$plusargs("ROUND=%s", rounding) == 0) rounding = "rnd";
        drop       = bug == "drop";        // beat 2 of packet 1 is lost
        duplicate  = bug == "duplicate";   // beat 2 of packet 1 is sent twice
        last_early = bug == "last_early";  // TLAST one beat early in packet 1
        last_extra = bug == "last_extra";  // a second TLAST on beat 0 of packet 2
        stale      = bug == "stale";       // reset leaves the output register full
        keep_state = bug == "keep_state";  // reset leaves the beat counter where it was
        retract    = bug == "retract";     // TVALID falls while the receiver stalls
        change     = bug == "change";      // TDATA changes while the receiver stalls
        hang       = bug == "hang";        // stops for ever at beat 3 of packet 1
        deaf       = bug == "deaf";        // never accepts anything
        bad_keep   = bug == "keep";        // TKEEP is 0 on a last beat
        bad_strb   = bug == "strb";        // TSTRB is 0 on a last beat
        padding    = bug == "padding";     // the bits above the elements are not 0
        overrun    = bug == "overrun";     // accepts beats while its FIFO is full
        ghost      = bug == "ghost";       // one more beat some time after the last packet
        truncate   = rounding == "trn";
    end

    // ---------------------------------------------------------------- input
    wire [17:0] x;
    wire x_valid, x_ready, fifo_ready;
    assign s_axis_TREADY = (fifo_ready || overrun) && !deaf;
    hpq_fifo #(
        .WIDTH(18),
        .DEPTH(8)
    ) fifo_in (
        .clk    (ap_clk),
        .rst_n  (ap_rst_n),
        .s_data (s_axis_TDATA[17:0]),
        .s_valid(s_axis_TVALID && !deaf),
        .s_ready(fifo_ready),
        .m_data (x),
        .m_valid(x_valid),
        .m_ready(x_ready)
    );

    // ---------------------------------------------------------------- arithmetic
    logic [11:0] rom[0:Beats-1];
    initial $readmemh("affine_weights.mem", rom);

    logic [2:0] beat;
    logic [7:0] packet;
    logic [26:0] y;
    always_comb begin
        for (int lane = 0; lane < Lanes; lane++) begin
            logic signed [9:0] product;
            product = $signed(x[6*lane+:6]) * $signed(rom[beat][4*lane+:4]) + (truncate ? 10'sd0 : 10'sd1);
            y[9*lane+:9] = product[9:1];
        end
    end

    // ---------------------------------------------------------------- output register
    logic [26:0] out_data;
    logic out_valid, out_last, stalled, repeated;
    logic [5:0] idle;

    wire target = packet == 1 && beat == 2;
    wire stuck = hang && packet == 1 && beat == 3;
    wire free = !out_valid || m_axis_TREADY;
    wire take = x_valid && free && !stuck;
    assign x_ready = take && !(duplicate && target && !repeated);

    initial begin
        out_valid = 0;
        beat = 0;
    end

    always_ff @(posedge ap_clk) begin
        stalled <= m_axis_TVALID && !m_axis_TREADY;
        idle <= x_valid ? 6'd0 : idle + 6'(idle != 63);
        if (m_axis_TREADY) out_valid <= 0;
        if (take) begin
            out_valid <= !(drop && target);
            out_data <= y;
            out_last <= beat == 3'(Beats - 1) - 3'(last_early && packet == 1)
                        || last_extra && packet == 2 && beat == 0;
            repeated <= duplicate && target;
            if (x_ready) begin
                beat <= beat == 3'(Beats - 1) ? 3'd0 : beat + 3'd1;
                packet <= packet + 8'(beat == 3'(Beats - 1));
            end
        end
        if (ghost && idle == 30 && packet == 4) out_valid <= 1;
        if (!ap_rst_n) begin
            if (!stale) out_valid <= 0;
            if (!keep_state) beat <= 0;
            packet <= 0;
            repeated <= 0;
            stalled <= 0;
            idle <= 0;
        end
    end

    assign m_axis_TVALID = out_valid && !(retract && stalled);
    assign m_axis_TDATA = {padding ? 5'd1 : 5'd0, out_data ^ 27'(change && stalled)};
    assign m_axis_TLAST = out_last;
    assign m_axis_TKEEP = {4{!(bad_keep && out_last)}};
    assign m_axis_TSTRB = {4{!(bad_strb && out_last)}};
endmodule

// A first-in first-out buffer with a fill probe, of the shape that generated designs have.
module hpq_fifo #(
    parameter int WIDTH = 1,
    parameter int DEPTH = 2
) (
    input  wire             clk,
    input  wire             rst_n,
    input  wire [WIDTH-1:0] s_data,
    input  wire             s_valid,
    output wire             s_ready,
    output wire [WIDTH-1:0] m_data,
    output wire             m_valid,
    input  wire             m_ready
);
    localparam int Bits = $clog2(DEPTH);

    logic [WIDTH-1:0] memory[0:DEPTH-1];
    logic [Bits-1:0] head, tail;
    logic [Bits:0] fill;

    assign s_ready = fill != (Bits + 1)'(DEPTH);
    assign m_valid = fill != 0;
    assign m_data  = memory[head];
    wire push = s_valid && s_ready;
    wire pop = m_valid && m_ready;

    always_ff @(posedge clk) begin
        if (push) begin
            memory[tail] <= s_data;
            tail <= tail == Bits'(DEPTH - 1) ? '0 : tail + 1'b1;
        end
        if (pop) head <= head == Bits'(DEPTH - 1) ? '0 : head + 1'b1;
        fill <= fill + (Bits + 1)'(push) - (Bits + 1)'(pop);
        if (!rst_n) begin
            head <= '0;
            tail <= '0;
            fill <= '0;
        end
    end

`ifdef HPQ_FIFO_PROBE
    logic [31:0] max_fill;
    always_ff @(posedge clk) begin
        if (!rst_n) max_fill <= '0;
        else if (32'(fill) > max_fill) max_fill <= 32'(fill);
    end
`endif
endmodule
