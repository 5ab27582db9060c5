// Reduces elements that come side by side, TAPS of them, or one after the other, STEPS of them, or both.
//
// Element (p * TAPS + t) * LANES + l goes in, element p * LANES + l comes out. A step is CHUNKS beats, what is
// reduced so far waits for the next step in a memory, and the results leave with the last one. There is one
// position where there are several steps, one tap where there are several chunks.
//
// MODE: SUM: the exact sum, times the constant RECIPROCAL, then a clip and one cast. MAX, MIN: as they are.
// ARGMAX, ARGMIN: the number, step * TAPS + tap, of the first of the largest or smallest. Elements are compared
// as they are, or inverted for the smallest, with the number inverted below: of equal ones the first is larger.
//
// The pipeline: tree | read (several chunks) | reduce (several steps) | product | cast. It never stands still: a result
// is handed over when the beat that completes it is taken, and there so many cycles later.
module hpq_reduce #(
    parameter     MODE         = "SUM",
    parameter int POSITIONS    = 1,
    parameter int TAPS         = 1,
    parameter int LANES        = 1,
    parameter int STEPS        = 1,
    parameter int CHUNKS       = 1,
    parameter int X_W          = 8,
    parameter bit X_SIGNED     = 1'b1,
    parameter int INDEX_W      = 0,        // bits of an element's number, 0 where nobody asks for it
    parameter int RECIPROCAL_W = 1,
    parameter logic [RECIPROCAL_W-1:0] RECIPROCAL = 1'b1,
    parameter bit IN_LUTS      = 1'b0,     // products in LUTs, not in DSP blocks
    parameter int PRODUCT_STAGES = 1,      // registers of a product
    parameter int EVERY        = 2,        // levels of a tree between registers
    parameter bit [2:0] CAST_REGISTERS = '0,  // see hpq_finish
    parameter int ACC_W        = 16,
    parameter logic [2*ACC_W+1:0] CLIP = '0,  // see hpq_cast
    parameter int CAST_SHIFT   = 0,        // fraction bits of the product minus the output's
    parameter int Y_W          = 8,
    parameter bit Y_SIGNED     = 1'b1,
    parameter     ROUNDING     = "AP_TRN",
    parameter     OVERFLOW     = "AP_WRAP",
    parameter int LEAKY_W      = 0,           // see hpq_finish and hpq_slopes
    parameter int SLOPE_W      = 1,
    parameter int SLOPE_SHIFT  = 0,
    parameter bit SLOPE_IN_LUTS = 1'b0,
    parameter int SLOPE_DEPTH  = 1,
    parameter     SLOPE_FILE   = "",
    parameter     SLOPE_STYLE  = "distributed",
    parameter logic [POSITIONS*LANES*SLOPE_W-1:0] SLOPES = '0,
    parameter     MEMORY_STYLE = "distributed"
) (
    input  logic                                clk,
    input  logic                                rst,
    input  logic [POSITIONS*TAPS*LANES*X_W-1:0] in_data,
    input  logic                                in_valid,
    output logic                                in_ready,
    output logic [POSITIONS*LANES*Y_W-1:0]      out_data,
    output logic                                out_valid,
    input  logic                                out_ready
);

  localparam bit SUMS     = 48'(MODE) == 48'("SUM");
  localparam bit SMALLEST = 48'(MODE) == 48'("MIN") || 48'(MODE) == 48'("ARGMIN");
  localparam int N        = POSITIONS * LANES;  // results
  localparam int XE       = X_SIGNED ? X_W : X_W + 1;
  localparam int E_W      = SUMS ? XE : X_W + INDEX_W;                      // an element
  localparam int S_W      = SUMS ? XE + $clog2(TAPS * STEPS) : E_W;         // what they become
  localparam bit SIGNED   = SUMS || X_SIGNED;
  localparam int TREE     = ($clog2(TAPS) + EVERY - 1) / EVERY;
  localparam bit READS    = STEPS > 1 && CHUNKS > 1;
  localparam bit PRODUCT  = SUMS && RECIPROCAL != RECIPROCAL_W'(1);
  localparam bit LEAVES   = SUMS || STEPS == 1;  // through a register of its own
  localparam int BEHIND   = (READS ? 1 : 0) + (STEPS > 1 ? 1 : 0) + (PRODUCT ? PRODUCT_STAGES : 0) + (LEAVES ? 1 : 0);
  localparam int BASE_W   = INDEX_W > 0 ? INDEX_W : 1;
  localparam int STEP_W   = STEPS > 1 ? $clog2(STEPS) : 1;
  localparam int CHUNK_W  = CHUNKS > 1 ? $clog2(CHUNKS) : 1;

  // ---------------------------------------------------------------- the beat that comes in
  logic [CHUNK_W-1:0] chunk;
  logic [ BASE_W-1:0] base;  // the number of its first tap
  logic               opens, completes, take;  // whether it begins results, and completes them
  assign out_valid = in_valid && completes;
  assign in_ready  = !completes || out_ready;
  assign take      = in_valid && in_ready;

  if (STEPS > 1) begin : place
    logic [STEP_W-1:0] step;
    logic              next_step;
    assign opens     = step == '0;
    assign completes = step == STEP_W'(STEPS - 1);
    assign next_step = chunk == CHUNK_W'(CHUNKS - 1);
    always_ff @(posedge clk) begin
      if (rst) begin
        step  <= '0;
        chunk <= '0;
      end else if (take) begin
        chunk <= next_step ? '0 : chunk + 1'b1;
        if (next_step) step <= completes ? '0 : step + 1'b1;
      end
    end
    if (INDEX_W > 0) begin : number
      always_ff @(posedge clk) begin
        if (rst) base <= '0;
        else if (take && next_step) base <= completes ? '0 : base + BASE_W'(TAPS);
      end
    end else begin : no_number
      assign base = '0;
    end
  end else begin : one_place
    assign chunk     = '0;
    assign base      = '0;
    assign opens     = 1'b1;
    assign completes = 1'b1;
  end

  // ---------------------------------------------------------------- the taps of a beat
  logic             beat, first, last;  // one comes out of the tree; whether it opens, and completes
  logic [N*S_W-1:0] partial;
  logic             unused_flags;  // by some modes
  assign unused_flags = &{beat, first, last, base};

  if (TREE > 0) begin : in_tree
    logic [TREE-1:0] valid_at, first_at, last_at;
    always_ff @(posedge clk) begin
      if (rst) valid_at <= '0;
      else valid_at <= TREE'({valid_at, take});
    end
    always_ff @(posedge clk) begin
      first_at <= TREE'({first_at, opens});
      last_at  <= TREE'({last_at, completes});
    end
    assign beat  = valid_at[TREE-1];
    assign first = first_at[TREE-1];
    assign last  = last_at[TREE-1];
  end else begin : no_tree
    assign beat  = take;
    assign first = opens;
    assign last  = completes;
  end

  for (genvar p = 0; p < POSITIONS; p++) begin : position
    for (genvar l = 0; l < LANES; l++) begin : lane
      logic [TAPS*E_W-1:0] elements;
      for (genvar t = 0; t < TAPS; t++) begin : tap
        logic [X_W-1:0] x;
        assign x = in_data[((p*TAPS+t)*LANES+l)*X_W+:X_W];
        if (SUMS) begin : term
          assign elements[t*E_W+:E_W] = X_SIGNED ? E_W'($signed(x)) : E_W'(x);
        end else if (INDEX_W > 0) begin : numbered
          assign elements[t*E_W+:E_W] = {x ^ {X_W{SMALLEST}}, ~(base + INDEX_W'(t))};
        end else begin : candidate
          assign elements[t*E_W+:E_W] = x ^ {X_W{SMALLEST}};
        end
      end
      if (SUMS) begin : sum
        logic signed [S_W-1:0] total;
        hpq_addtree #(
            .N    (TAPS),
            .IN_W (E_W),
            .OUT_W(S_W),
            .EVERY(EVERY)
        ) tree (
            .clk  (clk),
            .terms(elements),
            .sum  (total)
        );
        assign partial[(p*LANES+l)*S_W+:S_W] = total;
      end else begin : extreme
        hpq_maxtree #(
            .N        (TAPS),
            .WIDTH    (E_W),
            .IS_SIGNED(X_SIGNED),
            .EVERY    (EVERY)
        ) tree (
            .clk    (clk),
            .values (elements),
            .largest(partial[(p*LANES+l)*S_W+:S_W])
        );
      end
    end
  end

  // ---------------------------------------------------------------- step by step
  logic [N*S_W-1:0] total;

  if (STEPS == 1) begin : one_step
    logic unused;
    assign total  = partial;
    assign unused = &{first, chunk, base};
  end else begin : steps
    logic [N*S_W-1:0] operand, kept, after;
    logic             starts, taken;  // of the beat that is reduced now
    for (genvar n = 0; n < N; n++) begin : result
      logic signed [S_W-1:0] old, new_one, both;
      assign old     = kept[n*S_W+:S_W];
      assign new_one = operand[n*S_W+:S_W];
      if (SUMS) begin : add  // a LUT for each bit; a choice behind the sum would be another
        assign both = new_one + (starts ? '0 : old);
      end else begin : compare
        logic greater;
        assign greater = SIGNED ? new_one > old : $unsigned(new_one) > $unsigned(old);
        assign both    = (starts || greater) ? new_one : old;
      end
      assign after[n*S_W+:S_W] = both;
    end

    if (CHUNKS == 1) begin : in_register
      assign operand = partial;
      assign kept    = total;
      assign starts  = first;
      assign taken   = beat;
    end else begin : in_memory
      logic [CHUNK_W-1:0] address;
      always_ff @(posedge clk) begin
        if (rst) taken <= 1'b0;
        else taken <= beat;
      end
      always_ff @(posedge clk) begin
        operand <= partial;
        starts  <= first;
        address <= chunk;
      end
      hpq_ram #(
          .WIDTH (N * S_W),
          .DEPTH (CHUNKS),
          .ADDR_W(CHUNK_W),
          .STYLE (MEMORY_STYLE)
      ) memory (
          .clk       (clk),
          .write_en  (taken),
          .write_addr(address),
          .write_data(after),
          .read_en   (1'b1),
          .read_addr (chunk),
          .read_data (kept)
      );
    end

    always_ff @(posedge clk) begin
      if (taken) total <= after;
    end
  end

  // ---------------------------------------------------------------- the result
  logic [N*SLOPE_W-1:0] slopes;
  if (SUMS) begin : sloped
    hpq_slopes #(
        .LANES      (N),
        .STAGES     (BEHIND - 1),
        .SLOPE_W    (SLOPE_W),
        .SLOPE_DEPTH(SLOPE_DEPTH),
        .SLOPE_FILE (SLOPE_FILE),
        .SLOPE_STYLE(SLOPE_STYLE),
        .SLOPES     (SLOPES)
    ) slope (
        .clk   (clk),
        .rst   (rst),
        .beat  (beat && last),
        .slopes(slopes)
    );
  end else begin : unsloped
    logic unused;
    assign slopes = '0;
    assign unused = &{slopes, last};
  end

  for (genvar n = 0; n < N; n++) begin : output_of
    logic [Y_W-1:0] result;
    if (SUMS) begin : sum
      logic signed [S_W-1:0]   exact;
      logic signed [ACC_W-1:0] scaled;
      assign exact = total[n*S_W+:S_W];
      if (PRODUCT) begin : mean
        if (IN_LUTS) begin : in_luts
          hpq_constproduct #(
              .X_W     (S_W),
              .X_SIGNED(1'b1),
              .C_W     (RECIPROCAL_W),
              .CONSTANT(RECIPROCAL),
              .P_W     (ACC_W),
              .STAGES  (PRODUCT_STAGES),
              .EVERY   (EVERY)
          ) multiplier (
              .clk(clk),
              .x  (exact),
              .p  (scaled)
          );
        end else begin : factor
          hpq_registers #(
              .WIDTH(ACC_W),
              .COUNT(PRODUCT_STAGES)
          ) behind_product (
              .clk(clk),
              .x  (ACC_W'(exact) * $signed(ACC_W'(RECIPROCAL))),
              .y  (scaled)
          );
        end
      end else begin : shifted
        logic unused;
        assign scaled = ACC_W'(exact);
        assign unused = &exact;
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
          .x    (scaled),
          .slope(slopes[n*SLOPE_W+:SLOPE_W]),
          .y    (result)
      );
    end else if (INDEX_W > 0) begin : index
      logic unused;
      assign result = ~total[n*S_W+:Y_W];
      assign unused = &total[n*S_W+:S_W];
    end else begin : extreme
      assign result = total[n*S_W+:Y_W] ^ {Y_W{SMALLEST}};
    end
    if (LEAVES) begin : registered
      always_ff @(posedge clk) begin
        out_data[n*Y_W+:Y_W] <= result;
      end
    end else begin : direct
      assign out_data[n*Y_W+:Y_W] = result;
    end
  end

endmodule
