// Dot products of ROWS rows of weights with the same N elements, several products per DSP block, exactly.
//
// The weights of a column are one factor, the sum of w[r] << r * FIELD, and the element that they share is the
// other: one multiplication makes a product for each row, FIELD bits apart. The products of up to four columns
// are added up before they are taken apart, so that these have the cost of the corrections once.
//
// A row's sum is SUM_W bits wide, with an offset of half their range (OFFSET) that keeps it from being negative:
// then none borrows from the row above. The offsets are a constant in the adder of the first block, and leave
// again by an inverted bit. Where sums are wider than a field, the lowest OVERLAP bits of a sum are made from the
// lowest bits of the factors; what these bits are more in the packed sum is what the row below has above its
// field. hpq_hls/billing/packing.py chooses the parameters and says why that is exact.
//
// The ROM holds weights as they stand in the factor: less one where what lies below is negative, W_W bits each.
//
// Latency as hpq_dot. GAP is for the time in which sums are taken apart: see hpq_addtree. Weight i of row r is at bits (r * N + i) * W_W.
module hpq_packeddot #(
    parameter int ROWS     = 2,
    parameter int N        = 4,
    parameter int X_W      = 8,
    parameter bit X_SIGNED = 1'b1,
    parameter int W_W      = 8,
    parameter bit W_SIGNED = 1'b1,
    parameter int FIELD    = 18,
    parameter int SUM_W    = 18,
    parameter bit OFFSET   = 1'b1,
    parameter int OUT_W    = 24,
    parameter int STAGES   = 2,     // as of hpq_dot
    parameter int EVERY    = 2,
    parameter int GAP      = 0
) (
    input  logic                  clk,
    input  logic [N*X_W-1:0]      x,
    input  logic [ROWS*N*W_W-1:0] w,
    output logic [ROWS*OUT_W-1:0] y
);

  localparam int GROUPS  = (N + 3) / 4;
  localparam int OVERLAP = SUM_W - FIELD;
  localparam int LOW_W   = (OVERLAP > 0) ? OVERLAP : 1;
  localparam int TOP     = (ROWS - 1) * FIELD;
  localparam int A_W     = TOP + W_W + 1;
  localparam int XE      = X_SIGNED ? X_W : X_W + 1;
  localparam int S_W     = TOP + SUM_W;                  // of the packed sum
  localparam int P_W     = (A_W + XE < S_W) ? S_W : A_W + XE;
  localparam int T_W     = OFFSET ? SUM_W : SUM_W + 1;   // of a row's sum as a signed number
  localparam int EARLIER = (STAGES > 3) ? STAGES - 3 : 0;
  localparam int LATER   = (STAGES > 2) ? 1 : 0;

  function automatic logic signed [P_W-1:0] offsets();
    offsets = '0;
    for (int r = 0; r < ROWS; r++) offsets[r*FIELD+SUM_W-1] = OFFSET;
  endfunction

  logic [ROWS*GROUPS*T_W-1:0] sums;  // of group g and row r at r * GROUPS + g

  for (genvar g = 0; g < GROUPS; g++) begin : group
    localparam int COLUMNS = (N - 4 * g < 4) ? N - 4 * g : 4;
    localparam int TERMS   = (COLUMNS < 3 && GROUPS > 1) ? 3 : COLUMNS;  // as many registers for the last ones
    localparam int LEVELS  = $clog2(TERMS);
    // Registers of the sum.
    localparam int ON_WAY  = (GROUPS > 1) ? (LEVELS + GAP) / EVERY : (LEVELS + EVERY - 1) / EVERY;

    // ---------------------------------------------------------------- products, and their sum
    logic [TERMS*P_W-1:0]          products;
    logic [COLUMNS*ROWS*LOW_W-1:0] low_weights;   // of row r and column c at r * COLUMNS + c
    logic [COLUMNS*LOW_W-1:0]      low_elements;
    for (genvar c = 0; c < COLUMNS; c++) begin : column
      localparam int I = 4 * g + c;
      logic        [ROWS-1:0] negative;  // what is in the factor up to here
      logic signed [A_W-1:0]  factor, a;
      logic signed [XE-1:0]   element, b;
      (* use_dsp = "yes" *)
      logic signed [P_W-1:0]  product, product_late;
      logic        [X_W-1:0]  x_now;
      assign element = X_SIGNED ? XE'($signed(x_now)) : XE'(x_now);
      hpq_registers #(
          .WIDTH(X_W),
          .COUNT(EARLIER)
      ) earlier (
          .clk(clk),
          .x  (x[I*X_W+:X_W]),
          .y  (x_now)
      );
      for (genvar r = 0; r < ROWS; r++) begin : row
        logic [W_W-1:0] bits;
        hpq_registers #(
            .WIDTH(W_W),
            .COUNT(EARLIER)
        ) earlier (
            .clk(clk),
            .x  (w[(r*N+I)*W_W+:W_W]),
            .y  (bits)
        );
        if (!W_SIGNED) begin : natural
          assign negative[r] = 1'b0;
        end else if (r == 0) begin : lowest
          assign negative[r] = bits[W_W-1];
        end else begin : higher  // one less than the least weight has the bits of the largest
          localparam logic [W_W-1:0] LEAST = W_W'(1) << (W_W - 1);
          assign negative[r] = bits[W_W-1] || (negative[r-1] && bits == ~LEAST);
        end
        if (r == ROWS - 1) begin : uppermost
          assign factor[A_W-1:TOP] = {negative[r], bits};
        end else begin : inner
          assign factor[r*FIELD+:FIELD] = W_SIGNED ? FIELD'($signed({negative[r], bits})) : FIELD'(bits);
        end
        if (OVERLAP > 0 && r > 0) begin : low
          logic [LOW_W-1:0] weight;
          always_ff @(posedge clk) begin
            weight <= factor[r*FIELD+:LOW_W] + LOW_W'(negative[r-1]);
          end
          assign low_weights[(r*COLUMNS+c)*LOW_W+:LOW_W] = weight;
        end else begin : apart
          assign low_weights[(r*COLUMNS+c)*LOW_W+:LOW_W] = '0;
        end
      end
      assign low_elements[c*LOW_W+:LOW_W] = LOW_W'(b);
      always_ff @(posedge clk) begin
        a <= factor;
        b <= element;
      end
      if (c == 0 && OFFSET) begin : with_offsets
        always_ff @(posedge clk) begin
          product <= P_W'(a) * P_W'(b) + offsets();
        end
      end else begin : alone
        always_ff @(posedge clk) begin
          product <= P_W'(a) * P_W'(b);
        end
      end
      hpq_registers #(
          .WIDTH(P_W),
          .COUNT(LATER)
      ) later (
          .clk(clk),
          .x  (product),
          .y  (product_late)
      );
      assign products[c*P_W+:P_W] = product_late;
    end

    if (TERMS > COLUMNS) begin : nothing
      assign products[TERMS*P_W-1:COLUMNS*P_W] = '0;
    end

    // All bits of it, so that DSP blocks add to each other's products: synthesis tells by the signs in front.
    logic signed [P_W+1:0] packed_sum;
    hpq_addtree #(
        .N    (TERMS),
        .IN_W (P_W),
        .OUT_W(P_W + 2),
        .EVERY(EVERY),
        .GAP  (GAP),
        .LAST (GROUPS == 1)
    ) first (
        .clk  (clk),
        .terms(products),
        .sum  (packed_sum)
    );

    // ---------------------------------------------------------------- taken apart
    // carried: what a row has from the one below, which has it above its field.
    logic [(ROWS+1)*LOW_W-1:0] carried;
    assign carried[0+:LOW_W]          = '0;
    assign carried[ROWS*LOW_W+:LOW_W] = '0;
    for (genvar r = 0; r < ROWS; r++) begin : row
      logic [SUM_W-1:0] whole, sum;
      if (OVERLAP == 0) begin : apart
        assign sum = packed_sum[r*FIELD+:SUM_W];
        if (r > 0) begin : nothing
          assign carried[r*LOW_W+:LOW_W] = '0;
        end
        logic unused;
        assign unused = &whole;
        assign whole  = sum;
      end else begin : overlapping
        if (r == ROWS - 1) begin : uppermost
          assign whole = packed_sum[TOP+:SUM_W];
        end else begin : inner
          assign whole = {carried[(r+1)*LOW_W+:LOW_W], packed_sum[r*FIELD+:FIELD]};
        end
        if (r == 0) begin : lowest
          assign sum = whole;
        end else begin : higher
          logic [LOW_W-1:0] low, low_now, low_sum;
          always_comb begin
            low_now = '0;
            for (int c = 0; c < COLUMNS; c++) begin
              low_now += low_weights[(r*COLUMNS+c)*LOW_W+:LOW_W] * low_elements[c*LOW_W+:LOW_W];
            end
          end
          always_ff @(posedge clk) begin
            low <= low_now;
          end
          hpq_registers #(
              .WIDTH(LOW_W),
              .COUNT(LATER + ON_WAY)
          ) beside (
              .clk(clk),
              .x  (low),
              .y  (low_sum)
          );
          logic less;
          assign {less, carried[r*LOW_W+:LOW_W]} = {1'b0, whole[LOW_W-1:0]} - {1'b0, low_sum};
          assign sum = {whole[SUM_W-1:LOW_W] - (SUM_W - LOW_W)'(less), low_sum};
        end
      end
      if (OFFSET) begin : offset
        assign sums[(r*GROUPS+g)*T_W+:T_W] = {!sum[SUM_W-1], sum[SUM_W-2:0]};
      end else begin : natural
        assign sums[(r*GROUPS+g)*T_W+:T_W] = {1'b0, sum};
      end
    end
    logic unused;
    assign unused = &{packed_sum, low_weights, low_elements, carried};
  end

  for (genvar r = 0; r < ROWS; r++) begin : tree
    hpq_addtree #(
        .N    (GROUPS),
        .IN_W (T_W),
        .OUT_W(OUT_W),
        .EVERY(EVERY),
        .GAP  (GAP),
        .DONE (2)
    ) further (
        .clk  (clk),
        .terms(sums[r*GROUPS*T_W+:GROUPS*T_W]),
        .sum  (y[r*OUT_W+:OUT_W])
    );
  end

endmodule
