// Matrix-vector unit: PE rows by SIMD columns per cycle, weights in a ROM.
//
// A frame is a sequence of (vector, group) pairs. For each pair SYNAPSE_FOLDS beats of SIMD elements
// come in, and NEURON_FOLDS beats of PE results go out: row = bias + (weights . x << shift), exact,
// then ReLU and one cast. The vector is consumed as it arrives, during the first fold of rows, and kept in a
// buffer for the other folds; so a pair takes NEURON_FOLDS * SYNAPSE_FOLDS cycles, and the next one
// follows without a gap. Weight ROM words are stored in the order in which they are used; where rows share
// DSP blocks, as hpq_packeddot takes them.
//
// The pipeline: issue | ROM and buffer read | operands | products | adder tree | accumulator | cast, with as many
// registers as parameters say. It never stands still: a result is handed over when its last step is issued, and is
// there LATENCY + 2 cycles, and those of the cast, later.
module hpq_matvec #(
    parameter int SIMD          = 1,
    parameter int PE            = 1,
    parameter int GROUPS        = 1,
    parameter int NEURON_FOLDS  = 1,
    parameter int SYNAPSE_FOLDS = 1,
    parameter int X_W           = 8,
    parameter bit X_SIGNED      = 1'b1,
    parameter int W_W           = 8,
    parameter bit W_SIGNED      = 1'b1,
    parameter bit W_IS_SIGN     = 1'b0,       // weights are +1 or -1, and W_W is 1: the ROM has a 1 for -1
    parameter bit IN_LUTS       = 1'b0,       // products in LUTs, not in DSP blocks
    parameter int PACKED_ROWS   = 1,          // rows whose products share DSP blocks: see hpq_packeddot
    parameter int PACKED_FIELD  = 1,
    parameter int PACKED_SUM_W  = 1,
    parameter bit PACKED_OFFSET = 1'b0,
    parameter bit READ_REGISTER = 1'b0,       // behind ROM and buffer
    parameter int STAGES        = 2,          // registers of operands and products: see hpq_dot
    parameter int EVERY         = 2,          // levels of an adder tree between registers,
    parameter int GAP           = 0,          // and those that count as standing behind the second: see hpq_addtree
    parameter bit SHIFT_REGISTER = 1'b0,      // behind the shift of a row's sum
    parameter bit [2:0] CAST_REGISTERS = '0,  // see hpq_finish
    parameter bit HAS_BIAS      = 1'b0,
    parameter int B_W           = 1,
    parameter bit B_SIGNED      = 1'b1,
    parameter int ACC_W         = 24,
    parameter int PRODUCT_SHIFT = 0,          // zeros appended to a sum of products,
    parameter int BIAS_SHIFT    = 0,          // and to the bias, to align both
    parameter logic [2*ACC_W+1:0] CLIP = '0,  // see hpq_cast
    parameter int CAST_SHIFT    = 0,          // fraction bits of the accumulator minus the output's
    parameter int Y_W           = 8,
    parameter bit Y_SIGNED      = 1'b1,
    parameter     ROUNDING      = "AP_TRN",
    parameter     OVERFLOW      = "AP_WRAP",
    parameter int LEAKY_W       = 0,          // see hpq_finish and hpq_slopes
    parameter int SLOPE_W       = 1,
    parameter int SLOPE_SHIFT   = 0,
    parameter bit SLOPE_IN_LUTS = 1'b0,
    parameter int SLOPE_DEPTH   = 1,
    parameter     SLOPE_FILE    = "",
    parameter     SLOPE_STYLE   = "distributed",
    parameter logic [PE*SLOPE_W-1:0] SLOPES = '0,
    parameter     WEIGHT_FILE   = "",
    parameter     WEIGHT_STYLE  = "block",
    parameter     BIAS_FILE     = "",
    parameter     BIAS_STYLE    = "distributed",
    parameter int SHIFT_W       = 1,
    parameter int SHIFT_DEPTH   = 1,          // words of shifts; with 1, every fold of rows has SHIFTS
    parameter     SHIFT_FILE    = "",
    parameter     SHIFT_STYLE   = "distributed",
    parameter logic [PE*SHIFT_W-1:0] SHIFTS = '0,
    parameter     BUFFER_STYLE  = "distributed",
    parameter int SLICE         = SIMD * X_W,  // bits of a beat that hang on one copy of its control,
    parameter int ROM_SLICE     = PE * SIMD * W_W,  // of a word of weights on one of its address,
    parameter int ROW_SLICE     = PE                // and rows on one of what accumulators are told
) (
    input  logic                clk,
    input  logic                rst,
    input  logic [SIMD*X_W-1:0] in_data,
    input  logic                in_valid,
    output logic                in_ready,
    output logic [PE*Y_W-1:0]   out_data,
    output logic                out_valid,
    input  logic                out_ready
);

  localparam int BIAS_DEPTH   = GROUPS * NEURON_FOLDS;
  localparam int WEIGHT_DEPTH = BIAS_DEPTH * SYNAPSE_FOLDS;
  localparam int SF_W         = (SYNAPSE_FOLDS > 1) ? $clog2(SYNAPSE_FOLDS) : 1;
  localparam int NF_W         = (NEURON_FOLDS > 1) ? $clog2(NEURON_FOLDS) : 1;
  localparam int WA_W         = (WEIGHT_DEPTH > 1) ? $clog2(WEIGHT_DEPTH) : 1;

  // Cycles from the issue of a step until its sum reaches the accumulator: read, operands,
  // products, tree, shift.
  localparam int LEVELS  = $clog2(SIMD) + (SIMD > 4 ? GAP : 0);
  localparam int AHEAD   = SHIFT_REGISTER ? 1 : 0;  // of the accumulator, where sums are shifted
  localparam int LATENCY = (READ_REGISTER ? 2 : 1) + STAGES + (LEVELS + EVERY - 1) / EVERY + AHEAD;

  // ---------------------------------------------------------------- issue
  logic [SF_W-1:0] sf;
  logic [NF_W-1:0] nf;
  logic [WA_W-1:0] weight_addr;
  logic            from_stream, first, last, issue;
  assign from_stream = nf == '0;
  assign first       = sf == '0;
  assign last        = sf == SF_W'(SYNAPSE_FOLDS - 1);
  assign out_valid   = last && (in_valid || !from_stream);
  assign issue       = (in_valid || !from_stream) && (!last || out_ready);
  assign in_ready    = from_stream && (!last || out_ready);

  always_ff @(posedge clk) begin
    if (rst) begin
      sf          <= '0;
      nf          <= '0;
      weight_addr <= '0;
    end else if (issue) begin
      sf <= last ? '0 : sf + 1'b1;
      if (last) nf <= (nf == NF_W'(NEURON_FOLDS - 1)) ? '0 : nf + 1'b1;
      weight_addr <= (weight_addr == WA_W'(WEIGHT_DEPTH - 1)) ? '0 : weight_addr + 1'b1;
    end
  end

  logic [LATENCY-1:0] valid_at, first_at, last_at;
  always_ff @(posedge clk) begin
    if (rst) valid_at <= '0;
    else valid_at <= LATENCY'({valid_at, issue});
  end
  always_ff @(posedge clk) begin
    first_at <= LATENCY'({first_at, first});
    last_at  <= LATENCY'({last_at, last});
  end

  // ---------------------------------------------------------------- ROM and buffer read
  // What is wide is made of slices that have copies of what they hang on: enables, addresses, marks. The copies are
  // equal, and yet not to become one: see hpq_fifo.
  localparam int ROM_SLICES = (PE * SIMD * W_W + ROM_SLICE - 1) / ROM_SLICE;
  logic [PE*SIMD*W_W-1:0]     weights;
  logic [ROM_SLICES*WA_W-1:0] weight_addrs;
  assign weight_addrs[0+:WA_W] = weight_addr;
  for (genvar s = 1; s < ROM_SLICES; s++) begin : rom_slice
    (* dont_touch = "true" *) logic [WA_W-1:0] addr;
    assign weight_addrs[s*WA_W+:WA_W] = addr;
    always_ff @(posedge clk) begin
      if (rst) addr <= '0;
      else if (issue) addr <= (addr == WA_W'(WEIGHT_DEPTH - 1)) ? '0 : addr + 1'b1;
    end
  end
  hpq_rom #(
      .WIDTH (PE * SIMD * W_W),
      .DEPTH (WEIGHT_DEPTH),
      .ADDR_W(WA_W),
      .FILE  (WEIGHT_FILE),
      .STYLE (WEIGHT_STYLE),
      .REGISTERED(READ_REGISTER),
      .SLICE (ROM_SLICE)
  ) weight_rom (
      .clk (clk),
      .addr(weight_addrs),
      .data(weights)
  );

  logic [SIMD*X_W-1:0] x, x_read, streamed;
  for (genvar s = 0; s * SLICE < SIMD * X_W; s++) begin : slice
    localparam int FROM = s * SLICE;
    localparam int BITS = (SIMD * X_W - FROM < SLICE) ? SIMD * X_W - FROM : SLICE;
    logic taking;  // as from_stream
    if (SLICE < SIMD * X_W && NEURON_FOLDS > 1) begin : own_enable
      (* dont_touch = "true" *) logic from_here;
      assign taking = from_here;
      always_ff @(posedge clk) begin
        if (rst) from_here <= 1'b1;
        else if (issue && last) from_here <= !from_here && nf == NF_W'(NEURON_FOLDS - 1);
      end
    end else begin : shared_enable
      assign taking = from_stream;
    end
    always_ff @(posedge clk) begin
      if (taking) streamed[FROM+:BITS] <= in_data[FROM+:BITS];
    end
    if (NEURON_FOLDS > 1 && SYNAPSE_FOLDS > 1) begin : vector
      logic [SF_W-1:0] place;  // as sf
      logic [BITS-1:0] buffered;
      logic            reuse;
      if (SLICE < SIMD * X_W) begin : own_address
        (* dont_touch = "true" *) logic [SF_W-1:0] at;
        assign place = at;
        always_ff @(posedge clk) begin
          if (rst) at <= '0;
          else if (issue) at <= last ? '0 : at + 1'b1;
        end
      end else begin : shared_address
        assign place = sf;
      end
      hpq_ram #(
          .WIDTH (BITS),
          .DEPTH (SYNAPSE_FOLDS),
          .ADDR_W(SF_W),
          .STYLE (BUFFER_STYLE)
      ) ram (
          .clk       (clk),
          .write_en  (taking),
          .write_addr(place),
          .write_data(in_data[FROM+:BITS]),
          .read_en   (1'b1),
          .read_addr (place),
          .read_data (buffered)
      );
      always_ff @(posedge clk) begin
        reuse <= !taking;
      end
      assign x_read[FROM+:BITS] = reuse ? buffered : streamed[FROM+:BITS];
    end else begin : beat
      // The one beat of the vector, if there are several folds of rows.
      assign x_read[FROM+:BITS] = streamed[FROM+:BITS];
    end
  end

  hpq_registers #(
      .WIDTH(SIMD * X_W),
      .COUNT(int'(READ_REGISTER))
  ) x_register (
      .clk(clk),
      .x  (x_read),
      .y  (x)
  );

  // ---------------------------------------------------------------- accumulate and cast
  // The bias follows the first step of a fold of rows that is one cycle ahead of the accumulator.
  logic [PE*ACC_W-1:0] biases;
  if (HAS_BIAS) begin : bias
    logic [PE*B_W-1:0] word;
    hpq_rowrom #(
        .WIDTH(PE * B_W),
        .DEPTH(BIAS_DEPTH),
        .FILE (BIAS_FILE),
        .STYLE(BIAS_STYLE)
    ) rom (
        .clk (clk),
        .rst (rst),
        .next(valid_at[LATENCY-2] && first_at[LATENCY-2]),
        .data(word)
    );
    for (genvar p = 0; p < PE; p++) begin : row
      if (B_SIGNED) begin : extend_sign
        assign biases[p*ACC_W+:ACC_W] = ACC_W'($signed(word[p*B_W+:B_W])) << BIAS_SHIFT;
      end else begin : extend_zero
        assign biases[p*ACC_W+:ACC_W] = ACC_W'(word[p*B_W+:B_W]) << BIAS_SHIFT;
      end
    end
  end else begin : no_bias
    assign biases = '0;
  end

  // A row's weights are integers of its own scale: its sum is worth 2**shift times as much. All steps of a
  // fold of rows need its shifts.
  logic [PE*SHIFT_W-1:0] shifts;
  if (SHIFT_DEPTH > 1) begin : shift
    hpq_rowrom #(
        .WIDTH(PE * SHIFT_W),
        .DEPTH(SHIFT_DEPTH),
        .FILE (SHIFT_FILE),
        .STYLE(SHIFT_STYLE)
    ) rom (
        .clk (clk),
        .rst (rst),
        .next(valid_at[LATENCY-2-AHEAD] && last_at[LATENCY-2-AHEAD]),
        .data(shifts)
    );
  end else begin : same_shift
    assign shifts = SHIFTS;
  end

  logic done;  // the accumulators hold the results of a fold of rows
  always_ff @(posedge clk) begin
    if (rst) done <= 1'b0;
    else done <= valid_at[LATENCY-1] && last_at[LATENCY-1];
  end

  logic [PE*SLOPE_W-1:0] slopes;
  hpq_slopes #(
      .LANES      (PE),
      .STAGES     (0),
      .SLOPE_W    (SLOPE_W),
      .SLOPE_DEPTH(SLOPE_DEPTH),
      .SLOPE_FILE (SLOPE_FILE),
      .SLOPE_STYLE(SLOPE_STYLE),
      .SLOPES     (SLOPES)
  ) slope (
      .clk   (clk),
      .rst   (rst),
      .beat  (done),
      .slopes(slopes)
  );

  // ---------------------------------------------------------------- products and their sums
  // PACKED_ROWS rows share DSP blocks; of the last ones there may be fewer.
  localparam int W_ROW = SIMD * W_W;
  logic [PE*ACC_W-1:0] sums;
  for (genvar p = 0; p < PE; p += PACKED_ROWS) begin : rows
    localparam int COUNT = (PE - p < PACKED_ROWS) ? PE - p : PACKED_ROWS;
    if (COUNT == 1) begin : alone
      hpq_dot #(
          .N        (SIMD),
          .X_W      (X_W),
          .X_SIGNED (X_SIGNED),
          .W_W      (W_W),
          .W_SIGNED (W_SIGNED),
          .W_IS_SIGN(W_IS_SIGN),
          .IN_LUTS  (IN_LUTS),
          .OUT_W    (ACC_W),
          .STAGES   (STAGES),
          .EVERY    (EVERY),
          .GAP      (GAP)
      ) dot (
          .clk(clk),
          .x  (x),
          .w  (weights[p*W_ROW+:W_ROW]),
          .y  (sums[p*ACC_W+:ACC_W])
      );
    end else begin : together
      hpq_packeddot #(
          .ROWS    (COUNT),
          .N       (SIMD),
          .X_W     (X_W),
          .X_SIGNED(X_SIGNED),
          .W_W     (W_W),
          .W_SIGNED(W_SIGNED),
          .FIELD   (PACKED_FIELD),
          .SUM_W   (PACKED_SUM_W),
          .OFFSET  (PACKED_OFFSET),
          .OUT_W   (ACC_W),
          .STAGES  (STAGES),
          .EVERY   (EVERY),
          .GAP     (GAP)
      ) dot (
          .clk(clk),
          .x  (x),
          .w  (weights[p*W_ROW+:COUNT*W_ROW]),
          .y  (sums[p*ACC_W+:COUNT*ACC_W])
      );
    end
  end

  localparam int ROW_SLICES = (PE + ROW_SLICE - 1) / ROW_SLICE;
  logic [ROW_SLICES-1:0] adds, starts;  // valid_at and first_at of the accumulators
  for (genvar s = 0; s < ROW_SLICES; s++) begin : row_slice
    if (s == 0 || SYNAPSE_FOLDS == 1) begin : shared
      assign adds[s]   = valid_at[LATENCY-1];
      assign starts[s] = first_at[LATENCY-1];
    end else begin : own
      (* dont_touch = "true" *) logic add, start;
      assign adds[s]   = add;
      assign starts[s] = start;
      (* keep *)  // for Yosys: they do not depend on themselves
      always_ff @(posedge clk) begin
        add   <= valid_at[LATENCY-2] && !rst;
        start <= first_at[LATENCY-2];
      end
    end
  end

  for (genvar p = 0; p < PE; p++) begin : row
    logic signed [ACC_W-1:0] sum, scaled, start, accumulator;
    logic        [Y_W-1:0]   result;
    assign sum    = sums[p*ACC_W+:ACC_W];
    hpq_registers #(
        .WIDTH(ACC_W),
        .COUNT(AHEAD)
    ) shifted (
        .clk(clk),
        .x  (sum <<< PRODUCT_SHIFT <<< shifts[p*SHIFT_W+:SHIFT_W]),
        .y  (scaled)
    );
    assign start  = starts[p/ROW_SLICE] ? $signed(biases[p*ACC_W+:ACC_W]) : accumulator;
    always_ff @(posedge clk) begin
      // Of a fold of one step, whatever stands there when nothing came is not looked at.
      if (SYNAPSE_FOLDS == 1 || adds[p/ROW_SLICE]) accumulator <= start + scaled;
    end
    hpq_finish #(
        .IN_W       (ACC_W),
        .SHIFT      (CAST_SHIFT),
        .OUT_W      (Y_W),
        .OUT_SIGNED (Y_SIGNED),
        .CLIP       (CLIP),
        .ROUNDING   (ROUNDING),
        .OVERFLOW   (OVERFLOW),
        .LEAKY_W    (LEAKY_W),
        .SLOPE_W    (SLOPE_W),
        .SLOPE_SHIFT(SLOPE_SHIFT),
        .IN_LUTS    (SLOPE_IN_LUTS),
        .REGISTERS  (CAST_REGISTERS)
    ) finish (
        .clk  (clk),
        .x    (accumulator),
        .slope(slopes[p*SLOPE_W+:SLOPE_W]),
        .y    (result)
    );
    always_ff @(posedge clk) out_data[p*Y_W+:Y_W] <= result;
  end

endmodule
